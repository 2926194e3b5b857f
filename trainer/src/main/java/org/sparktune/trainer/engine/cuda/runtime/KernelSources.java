package org.sparktune.trainer.engine.cuda.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads CUDA C++ resources. A line {@code #include "name.cuh"} is replaced by the resource that it
 * names, so that a kernel's source is one text, of which its hash is taken.
 */
final class KernelSources {
  private static final String FOLDER = "/org/sparktune/trainer/engine/cuda/";
  private static final Pattern INCLUDE =
      Pattern.compile("^#include \"([^\"]+)\"$", Pattern.MULTILINE);

  private KernelSources() {}

  /**
   * The text of a resource with all that it includes.
   *
   * @param file its name, such as {@code norm.cu}
   */
  static String read(String file) {
    String text = resource(file);
    StringBuilder whole = new StringBuilder();
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      include.appendReplacement(whole, Matcher.quoteReplacement(read(include.group(1))));
    }
    return include.appendTail(whole).toString();
  }

  private static String resource(String file) {
    try (InputStream in = KernelSources.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new IllegalArgumentException("there is no kernel file " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
