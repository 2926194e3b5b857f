package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class BadTokenizerFilesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "normalizer, Nmt, normalizer",
    "pre_tokenizer, UnicodeScripts, pre-tokenizer",
    "post_processor, Mystery, post-processor",
    "decoder, CTC, decoder",
    "model, Unigram, model",
  })
  void shouldNameAnUnknownComponentAndTheFile(String field, String type, String word)
      throws IOException {
    ObjectNode root = SmallTokenizers.sentencePieceJson();
    root.putObject(field).put("type", type);
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, root.toString());
    SparktuneException refused = refuse(file, ErrorCode.UNSUPPORTED);
    assertEquals(
        "The " + word + " '" + type + "' in " + file + " is not supported.", refused.getMessage());
  }

  @Test
  void shouldSayWhereTruncatedJsonEnds() throws IOException {
    String json = SmallTokenizers.sentencePieceJson().toString();
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, json.substring(0, json.length() / 2));
    assertSays(refuse(file, ErrorCode.BAD_FILE), "it is no JSON (line 1, column");
  }

  @Test
  void shouldSayWhichMergeNeedsATokenThatIsMissing() throws IOException {
    ObjectNode root = SmallTokenizers.sentencePieceJson();
    ((ObjectNode) root.get("model")).putArray("merges").add("h e").add("q q");
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, root.toString());
    assertSays(refuse(file, ErrorCode.BAD_FILE), "merge number 1 needs the token 'qq'");
  }

  @Test
  void shouldRefuseFilesThatAreNoTokenizer() throws IOException {
    Path file = folder.resolve("picture.png");
    Files.write(file, new byte[] {(byte) 0x89, 'P', 'N', 'G'});
    assertSays(refuse(file, ErrorCode.BAD_FILE), "is no tokenizer");
    Files.write(file, new byte[0]);
    assertSays(refuse(file, ErrorCode.BAD_FILE), "is empty");
    assertSays(refuse(folder.resolve("absent"), ErrorCode.BAD_FILE), "There is no tokenizer at");
    assertSays(refuse(folder, ErrorCode.BAD_FILE), "holds no tokenizer");
  }

  @Test
  void shouldRefuseATruncatedSentencePieceModel() throws IOException {
    byte[] model = sentencePieceModel(2);
    Path file = folder.resolve("tokenizer.model");
    Files.write(file, Arrays.copyOf(model, 20));
    assertSays(refuse(file, ErrorCode.BAD_FILE), "ends too early");
    Files.write(file, sentencePieceModel(1));
    assertSays(refuse(file, ErrorCode.UNSUPPORTED), "model type 1");
    Files.write(file, model);
    assertEquals(2, Tokenizers.load(file).vocabularySize());
  }

  private static byte[] sentencePieceModel(int modelType) {
    // Two pieces of 10 bytes each, then the trainer's model type and a normalizer without extras.
    String piece = "\n\n\n\3%s\25\0\0\0\0";
    String text =
        String.format(piece, "abc")
            + String.format(piece, "def")
            + "\22\2\30"
            + (char) modelType
            + "\32\2\40\0";
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static SparktuneException refuse(Path file, ErrorCode code) {
    SparktuneException refused =
        assertThrows(SparktuneException.class, () -> Tokenizers.load(file));
    assertEquals(code, refused.code());
    return refused;
  }

  private static void assertSays(SparktuneException refused, String words) {
    assertTrue(refused.getMessage().contains(words), refused.getMessage());
  }
}
