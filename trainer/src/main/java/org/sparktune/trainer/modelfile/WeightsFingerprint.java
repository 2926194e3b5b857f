package org.sparktune.trainer.modelfile;

import java.io.IOException;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/**
 * Tells a model's weights from those of another training of the same model: a fingerprint of the
 * first and last bytes of every tensor. Reading all of them would take minutes where gigabytes are
 * stored, and training leaves no tensor that it touches with the bytes it had.
 */
public final class WeightsFingerprint {
  private static final int MOST_BYTES = 4096;

  private WeightsFingerprint() {}

  /**
   * The fingerprint, as {@code sha256:} and 64 hexadecimal digits.
   *
   * @throws SparktuneException {@code BAD_FILE} when the file cannot be read
   */
  public static String of(ModelFile model) {
    Fingerprint fingerprint = new Fingerprint();
    for (String name : model.names()) {
      StoredTensor tensor = model.stored(name);
      fingerprint.add(name).add(tensor.type().name());
      for (long dimension : tensor.shape()) {
        fingerprint.add(dimension);
      }
      int length = (int) Math.min(MOST_BYTES, tensor.bytes());
      fingerprint.add(bytes(tensor, 0, length));
      fingerprint.add(bytes(tensor, tensor.bytes() - length, length));
    }
    return fingerprint.finish();
  }

  private static byte[] bytes(StoredTensor tensor, long from, int length) {
    byte[] bytes = new byte[length];
    if (length == 0) {
      return bytes;
    }
    try {
      tensor.file().view(tensor.offset() + from, length).get(bytes);
      return bytes;
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The tensor %s of %s cannot be read (%s)."
              .formatted(tensor.name(), tensor.file().path(), e.getMessage()),
          "Copy the model again.",
          e);
    }
  }
}
