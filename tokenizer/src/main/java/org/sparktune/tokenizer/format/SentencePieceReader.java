package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerDefinition;
import org.sparktune.tokenizer.TokenizerVocabulary;

/** Reads SentencePiece's {@code tokenizer.model}, a protobuf {@code ModelProto} of type BPE. */
public final class SentencePieceReader {
  private static final int BPE = 2;

  private final Path file;
  private final List<String> pieces = new ArrayList<>();
  private final List<Float> scores = new ArrayList<>();
  private final List<Integer> types = new ArrayList<>();
  private int modelType = 1;
  private int unknownId;
  private int beginId = 1;
  private int endId = 2;
  private int paddingId = -1;
  private boolean addDummyPrefix = true;
  private boolean removeExtraSpaces = true;
  private boolean escapeSpaces = true;
  private boolean hasCharacterMap;
  private boolean spaceIsSuffix;

  private SentencePieceReader(Path file) {
    this.file = file;
  }

  /**
   * Reads a model.
   *
   * @throws SparktuneException if the file is damaged or the model is not BPE or normalizes text in
   *     a way that is not supported
   */
  public static TokenizerDefinition read(Path file) {
    return new SentencePieceReader(file).readAll();
  }

  private TokenizerDefinition readAll() {
    try {
      readModel(new ProtobufReader(ByteBuffer.wrap(Files.readAllBytes(file))));
    } catch (BufferUnderflowException e) {
      throw damaged("it ends too early", e);
    } catch (IllegalArgumentException e) {
      throw damaged(e.getMessage(), e);
    } catch (IOException e) {
      throw damaged(e.getMessage(), e);
    }
    check();
    float[] scoreById = new float[pieces.size()];
    int[] typeById = new int[pieces.size()];
    for (int id = 0; id < typeById.length; id++) {
      scoreById[id] = scores.get(id);
      typeById[id] = types.get(id);
    }
    SpecialTokenNames names = SpecialTokenNames.beside(file, new ObjectMapper());
    TokenizerVocabulary vocabulary =
        new TokenizerVocabulary(
            "llama",
            "default",
            List.copyOf(pieces),
            typeById,
            scoreById,
            List.of(),
            id(beginId),
            id(endId),
            id(unknownId),
            id(paddingId),
            names.flag("add_bos_token", beginId >= 0),
            names.flag("add_eos_token", false),
            addDummyPrefix);
    return new VocabularyAssembler(vocabulary, file, false).assemble();
  }

  private void readModel(ProtobufReader model) {
    while (model.next()) {
      switch (model.field()) {
        case 1 -> readPiece(new ProtobufReader(model.message()));
        case 2 -> readTrainer(new ProtobufReader(model.message()));
        case 3 -> readNormalizer(new ProtobufReader(model.message()));
        default -> model.skip();
      }
    }
  }

  private void readPiece(ProtobufReader piece) {
    String text = "";
    float score = 0;
    int type = TokenizerVocabulary.NORMAL;
    while (piece.next()) {
      switch (piece.field()) {
        case 1 -> text = piece.text();
        case 2 -> score = piece.float32();
        case 3 -> type = piece.integer();
        default -> piece.skip();
      }
    }
    pieces.add(text);
    scores.add(score);
    types.add(type);
  }

  private void readTrainer(ProtobufReader trainer) {
    while (trainer.next()) {
      switch (trainer.field()) {
        case 3 -> modelType = trainer.integer();
        case 24 -> spaceIsSuffix = trainer.integer() != 0;
        case 40 -> unknownId = trainer.integer();
        case 41 -> beginId = trainer.integer();
        case 42 -> endId = trainer.integer();
        case 43 -> paddingId = trainer.integer();
        default -> trainer.skip();
      }
    }
  }

  private void readNormalizer(ProtobufReader normalizer) {
    while (normalizer.next()) {
      switch (normalizer.field()) {
        case 2 -> hasCharacterMap = normalizer.message().hasRemaining();
        case 3 -> addDummyPrefix = normalizer.integer() != 0;
        case 4 -> removeExtraSpaces = normalizer.integer() != 0;
        case 5 -> escapeSpaces = normalizer.integer() != 0;
        default -> normalizer.skip();
      }
    }
  }

  private void check() {
    if (pieces.isEmpty()) {
      throw damaged("it holds no pieces", null);
    }
    if (modelType != BPE) {
      throw unsupported("model type " + modelType + " (only 2, BPE, is)");
    }
    if (hasCharacterMap) {
      throw unsupported("character map (nmt_nfkc and the like)");
    }
    if (removeExtraSpaces || !escapeSpaces || spaceIsSuffix) {
      throw unsupported("treatment of white space");
    }
  }

  private OptionalInt id(int id) {
    return id < 0 || id >= pieces.size() ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private SparktuneException damaged(String what, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The SentencePiece model " + file + " is damaged: " + what + ".",
        "Download or copy the file again.",
        cause);
  }

  private SparktuneException unsupported(String what) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The SentencePiece model " + file + " has a " + what + ", which is not supported.",
        "Use the model's tokenizer.json.");
  }
}
