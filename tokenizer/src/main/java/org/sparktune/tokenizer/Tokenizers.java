package org.sparktune.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.format.GgufVocabularyReader;
import org.sparktune.tokenizer.format.HuggingFaceReader;
import org.sparktune.tokenizer.format.SentencePieceReader;

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
      case GGUF -> new TextTokenizer(GgufVocabularyReader.read(path));
      case SENTENCE_PIECE -> new TextTokenizer(SentencePieceReader.read(path));
    };
  }

  private static Tokenizer loadFolder(Path folder) {
    for (String name : List.of("tokenizer.json", "tokenizer.model")) {
      if (Files.isRegularFile(folder.resolve(name))) {
        return load(folder.resolve(name));
      }
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE, "The folder " + folder + " holds no tokenizer.", ACCEPTED);
  }

  private enum Kind {
    JSON,
    GGUF,
    SENTENCE_PIECE
  }

  private static Kind kindOf(Path path) {
    byte[] head;
    try (InputStream in = Files.newInputStream(path)) {
      head = in.readNBytes(64);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "Cannot read " + path + ": " + e.getMessage() + ".", "", e);
    }
    String text = new String(head, StandardCharsets.ISO_8859_1);
    if (text.startsWith("GGUF")) {
      return Kind.GGUF;
    }
    if (text.strip().startsWith("{")) {
      return Kind.JSON;
    }
    // The first field of a SentencePiece model is a piece: field 1, a message, its field 1 a text.
    if (head.length > 3 && head[0] == 0x0A && head[2] == 0x0A) {
      return Kind.SENTENCE_PIECE;
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        head.length == 0
            ? "The tokenizer " + path + " is empty."
            : "The file " + path + " is no tokenizer: it does not begin like one.",
        ACCEPTED);
  }
}
