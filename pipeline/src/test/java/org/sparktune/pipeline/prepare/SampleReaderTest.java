package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;

class SampleReaderTest {
  private final Path model = Path.of(SampleReaderTest.class.getResource("/model").toURI());
  private final Tokenizer tokenizer = Tokenizers.load(model);

  @TempDir Path folder;

  SampleReaderTest() throws URISyntaxException {}

  private List<Document> read(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("a b[1].jsonl"), text);
    ChatTokenizer chat =
        new ChatTokenizer(tokenizer, ChatTemplates.ofModel(model, tokenizer).orElseThrow());
    return SampleReader.read(file, tokenizer, chat, SampleReader.Options.DEFAULT);
  }

  @Test
  void shouldReadTextAsTransformersWould() throws IOException {
    Document sample = read("{\"text\": \"hello there\"}\n").get(0);
    assertArrayEquals(tokenizer.encode("hello there", true), sample.ids());
    assertEquals(sample.length() - 1, sample.targets());
    assertArrayEquals(sample.ids(), sample.labels());
  }

  @Test
  void shouldMaskConversations() throws IOException {
    Document sample = read("{\"instruction\": \"hello\", \"output\": \"fine\"}\n").get(0);
    int[] trained =
        java.util.Arrays.stream(sample.labels()).filter(label -> label != -100).toArray();
    assertEquals("fine<|im_end|>", tokenizer.decode(trained, false));
  }

  @Test
  void shouldNameTheLineOfARecordThatCannotBeUsed() {
    SparktuneException e =
        assertThrows(
            SparktuneException.class, () -> read("{\"text\": \"hello there\"}\n{\"text\": 1}\n"));
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertTrue(e.getMessage().contains(".jsonl:2 "), e.getMessage());
  }

  @Test
  void shouldRefuseAnEmptyFile() {
    assertEquals(ErrorCode.BAD_DATA, assertThrows(SparktuneException.class, () -> read("")).code());
  }
}
