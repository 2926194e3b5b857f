package org.sparktune.trainer.modelfile;

import java.util.Optional;
import java.util.Set;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * A model's tensors by their Hugging Face names and in Hugging Face's layout, wherever they come
 * from: safetensors, GGUF, or a random generator.
 */
public interface WeightSource {

  /** The names of all tensors, in a fixed order. */
  Set<String> names();

  /** Whether there is such a tensor. */
  boolean has(String name);

  /**
   * A tensor's dimensions, outermost first.
   *
   * @throws org.sparktune.core.SparktuneException when there is no such tensor
   */
  long[] shape(String name);

  /**
   * Reads a tensor, converting its elements.
   *
   * @param destination contiguous, F32 or BF16 (rounded to nearest even), as many elements as the
   *     tensor has
   * @throws org.sparktune.core.SparktuneException when there is no such tensor, or one of another
   *     size, or one that holds NaN or infinity; the message names file and tensor
   */
  void read(String name, Tensor destination);

  /**
   * A matrix in the few bits that it is stored in.
   *
   * @param arena what it may lie in
   * @return empty if it is stored in full
   */
  default Optional<QuantizedMatrix> readQuantized(String name, TensorArena arena) {
    return Optional.empty();
  }
}
