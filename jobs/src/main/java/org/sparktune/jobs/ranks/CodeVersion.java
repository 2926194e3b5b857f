package org.sparktune.jobs.ranks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.spec.TaskSpec;
import org.sparktune.trainer.run.Training;

/**
 * Which code runs here: a checksum over the jars or class folders of sparktune. A version number
 * would not tell two builds of the same version apart.
 */
public final class CodeVersion {
  private static final int DIGITS = 12;
  private static final String VALUE = compute();

  private CodeVersion() {}

  /** The checksum, in a few hexadecimal digits. */
  public static String get() {
    return VALUE;
  }

  private static String compute() {
    Fingerprint fingerprint = new Fingerprint();
    for (Class<?> type :
        List.of(Fingerprint.class, TaskSpec.class, Training.class, CodeVersion.class)) {
      Path place = place(type);
      try (Stream<Path> files = Files.walk(place)) {
        for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
          fingerprint.add(place.relativize(file).toString()).add(Files.readAllBytes(file));
        }
      } catch (IOException e) {
        throw new UncheckedIOException("The code in " + place + " cannot be read", e);
      }
    }
    String finished = fingerprint.finish();
    int start = finished.indexOf(':') + 1;
    return finished.substring(start, start + DIGITS);
  }

  private static Path place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("The place of " + type + " is no URI", e);
    }
  }
}
