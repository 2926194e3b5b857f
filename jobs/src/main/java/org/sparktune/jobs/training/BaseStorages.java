package org.sparktune.jobs.training;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.modelfile.ModelFile;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;
import org.sparktune.trainer.quantize.BlockMatrix;

/** How a base is held in memory, from what the specification says and the file has. */
final class BaseStorages {
  private BaseStorages() {}

  /**
   * Decides.
   *
   * @throws SparktuneException {@code MISMATCH} if blocks are asked for that the file does not have
   */
  static BaseStorage of(Quantization quantization, ModelFile file) {
    return switch (quantization) {
      case NONE -> BaseStorage.FULL;
      case NF4 -> new BaseStorage.Nf4(false);
      case NF4_DOUBLE -> new BaseStorage.Nf4(true);
      case FP8 -> new BaseStorage.EightBits();
      case AUTO -> {
        double stored = storedBytesPerElement(file);
        yield stored > 0 ? new BaseStorage.Stored(stored) : new BaseStorage.Nf4(true);
      }
      case STORED -> {
        double stored = storedBytesPerElement(file);
        if (stored == 0) {
          throw new SparktuneException(
              ErrorCode.MISMATCH,
              "%s keeps its weights in full: it has no blocks of few bits that could be kept."
                  .formatted(file.path()),
              "Set quantization: nf4_double, or take a quantized GGUF file.");
        }
        yield new BaseStorage.Stored(stored);
      }
    };
  }

  /** Of the layers' matrices that are in blocks; 0 if none is. */
  private static double storedBytesPerElement(ModelFile file) {
    long bytes = 0;
    long elements = 0;
    for (String name : file.names()) {
      if (!name.contains(".layers.")) {
        continue;
      }
      StoredTensor tensor = file.stored(name);
      if (tensor.shape().length == 2 && BlockMatrix.isBlockType(tensor.type())) {
        bytes += tensor.bytes();
        elements += tensor.elements();
      }
    }
    return elements == 0 ? 0 : bytes / (double) elements;
  }
}
