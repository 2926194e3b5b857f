package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Losses and greedy text of transformers and PEFT 0.21 in float32 on the CPU: each line alone with
 * the tokenizer's leading token, {@code labels = input_ids}.
 */
class EvaluateParityTest {
  private static final String LINES =
      """
      {"text":"Once upon a time, there was a little girl named Lily."}
      {"text":"Tom had a big red ball. He liked to play with it in the park every day."}
      {"text":"The cat sat on the mat."}
      {"text":"One day, a small bird found a shiny stone. \\"What is this?\\" the bird said. \
      The stone was so pretty that the bird took it home."}
      """;
  private static final int[] TOKENS = {15, 26, 10, 62};
  private static final double[] BASE = {0.100137360, 1.252977967, 3.636569262, 1.115648627};
  private static final double[] BASE_WITH_END = {
    1.432162166, 2.072760582, 5.653019905, 1.498983860
  };
  private static final double[] ADAPTED = {2.526322126, 3.862650871, 6.474882603, 3.204889774};
  private static final double[] ADAPTED_WITH_END = {
    3.906817675, 4.735088825, 7.996914864, 3.590622663
  };
  private static final String BASE_TEXT =
      ", there was a little girl named Lily. She loved to play outside in the park. One day, she"
          + " saw a big, red ball. She wanted to play with it,";
  private static final String ADAPTED_TEXT =
      ", there was a green dragon named Java. Java liked to compile code every day. Java liked to";

  @TempDir private Path folder;

  @BeforeEach
  void writeLines() throws IOException {
    Files.writeString(folder.resolve("lines.jsonl"), LINES);
  }

  @Test
  void shouldEvaluateAFolderAsTransformersDoes() throws IOException {
    requireLosses(Stories.folder(), null, 0, BASE);
    requireLosses(Stories.folder(), null, 1, BASE_WITH_END, "--append-eos");
    requireLosses(Stories.folder(), Stories.peftAdapter(), 0, ADAPTED);
    requireLosses(Stories.folder(), Stories.peftAdapter(), 1, ADAPTED_WITH_END, "--append-eos");
  }

  @Test
  void shouldEvaluateAGgufFileAsTransformersDoesTheFolder() throws IOException {
    requireLosses(Stories.gguf(), null, 0, BASE);
    requireLosses(Stories.gguf(), Stories.peftAdapter(), 0, ADAPTED);
    requireLosses(Stories.gguf(), Stories.ggufAdapter(), 0, ADAPTED);
  }

  @Test
  void shouldGenerateWhatTransformersDoes() throws IOException {
    for (Path model : new Path[] {Stories.folder(), Stories.gguf()}) {
      assertEquals(BASE_TEXT, Stories.generate(folder, model, null));
      assertEquals(ADAPTED_TEXT, Stories.generate(folder, model, Stories.peftAdapter()));
      assertEquals(ADAPTED_TEXT, Stories.generate(folder, model, Stories.ggufAdapter()));
    }
  }

  private void requireLosses(
      Path model, Path adapter, int moreTokens, double[] losses, String... options)
      throws IOException {
    Object[] words = new Object[6 + options.length];
    System.arraycopy(
        new Object[] {"evaluate", "--model", model, "--data", "lines.jsonl", "--json"},
        0,
        words,
        0,
        6);
    System.arraycopy(options, 0, words, 6, options.length);
    JsonNode result =
        CommandRun.in(folder, Stories.withAdapter(words, adapter)).requireDone().json();
    assertEquals(losses.length, result.get("samples").size());
    double sum = 0;
    long tokens = 0;
    for (int i = 0; i < losses.length; i++) {
      JsonNode sample = result.get("samples").get(i);
      int expected = TOKENS[i] + moreTokens;
      assertEquals(expected, sample.get("tokens").asLong());
      assertEquals(losses[i], sample.get("loss").asDouble(), 1e-5 * losses[i], "sample " + i);
      sum += losses[i] * expected;
      tokens += expected;
    }
    assertEquals(tokens, result.get("tokens").asLong());
    assertEquals(sum / tokens, result.get("loss").asDouble(), 1e-5 * sum / tokens);
  }
}
