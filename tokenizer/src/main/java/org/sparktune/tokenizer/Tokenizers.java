package org.sparktune.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.format.HuggingFaceReader;

/** Reads tokenizers from files. */
public final class Tokenizers {
  private static final String ACCEPTED =
      "Give a tokenizer.json, a SentencePiece tokenizer.model, a GGUF file, or a folder with one of them.";

  private Tokenizers() {}

  /**
   * Reads a tokenizer.
   *
   * @param path a {@code tokenizer.json}, a folder with one (its {@code tokenizer_config.json} and
   *     {@code special_tokens_map.json} are read too) or with a {@code tokenizer.model}, a
   *     SentencePiece model, or a GGUF file
   * @throws SparktuneException if the file is missing, damaged, or has a component that this
   *     version does not know; the message names file and component
   */
  public static Tokenizer load(Path path) {
    if (Files.isDirectory(path)) {
      return loadFolder(path);
    }
    if (!Files.isRegularFile(path)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "There is no tokenizer at " + path + ".", ACCEPTED);
    }
    return switch (kindOf(path)) {
      case JSON -> new TextTokenizer(HuggingFaceReader.read(path));
    };
  }

  private static Tokenizer loadFolder(Path folder) {
    Path json = folder.resolve("tokenizer.json");
    if (Files.isRegularFile(json)) {
      return load(json);
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE, "The folder " + folder + " holds no tokenizer.", ACCEPTED);
  }

  private enum Kind {
    JSON
  }

  private static Kind kindOf(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] head = in.readNBytes(4);
      if (head.length > 0) {
        return Kind.JSON;
      }
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "Cannot read " + path + ": " + e.getMessage() + ".", "", e);
    }
    throw new SparktuneException(ErrorCode.BAD_FILE, path + " is empty.", ACCEPTED);
  }
}
