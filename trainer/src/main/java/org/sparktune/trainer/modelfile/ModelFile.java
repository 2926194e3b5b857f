package org.sparktune.trainer.modelfile;

import java.nio.file.Path;
import java.util.Optional;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;
import org.sparktune.trainer.quantize.BlockMatrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * A model on disk: a Hugging Face folder or a GGUF file. Tensors are found by Hugging Face's names;
 * what has no such name (GGUF's {@code rope_freqs.weight}) keeps its own.
 */
public sealed interface ModelFile extends WeightSource, AutoCloseable
    permits HuggingFaceFolder, GgufModel {

  /** The folder or file. */
  Path path();

  /**
   * A tensor as it is stored: its type, its bytes, whether it can be used in place.
   *
   * @throws org.sparktune.core.SparktuneException when there is no such tensor
   */
  StoredTensor stored(String name);

  @Override
  default void read(String name, Tensor destination) {
    stored(name).read(destination);
  }

  @Override
  default Optional<QuantizedMatrix> readQuantized(String name, TensorArena arena) {
    return BlockMatrix.of(stored(name), arena);
  }

  @Override
  default long[] shape(String name) {
    return stored(name).shape().clone();
  }

  /**
   * Looks at every value of every tensor.
   *
   * @throws org.sparktune.core.SparktuneException when one is NaN or infinite; the message names
   *     file and tensor
   */
  default void requireFinite() {
    for (String name : names()) {
      stored(name).requireFinite();
    }
  }

  @Override
  void close();
}
