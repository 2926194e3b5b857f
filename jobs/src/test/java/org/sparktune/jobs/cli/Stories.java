package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The trained model of 260,000 parameters among the shared assets, in its two forms. */
final class Stories {
  static final String PROMPT = "Once upon a time";
  static final int NEW_TOKENS = 48;

  private static final Path MODELS =
      Path.of(System.getProperty("sparktune.shared", "../../shared")).resolve("assets/models");

  private Stories() {}

  static Path folder() {
    return required("stories260K-hf");
  }

  static Path gguf() {
    return required("stories260K-f32.gguf");
  }

  static Path peftAdapter() {
    return required("stories260K-lora-peft");
  }

  static Path ggufAdapter() {
    return required("stories260K-lora-f32.gguf");
  }

  /** What {@code generate} writes after the prompt; without an adapter where it is null. */
  static String generate(Path workingDirectory, Path model, Path adapter) throws IOException {
    Object[] words = {
      "generate",
      "--model",
      model,
      "--prompt",
      PROMPT,
      "--max-new-tokens",
      NEW_TOKENS,
      "--temperature",
      0,
      "--json"
    };
    return CommandRun.in(workingDirectory, withAdapter(words, adapter))
        .requireDone()
        .json()
        .get("text")
        .asText();
  }

  /** A command line with {@code --adapter} at its end; as it is where the adapter is null. */
  static Object[] withAdapter(Object[] words, Path adapter) {
    if (adapter == null) {
      return words;
    }
    Object[] all = Arrays.copyOf(words, words.length + 2);
    all[words.length] = "--adapter";
    all[words.length + 1] = adapter;
    return all;
  }

  private static Path required(String name) {
    Path path = MODELS.resolve(name).toAbsolutePath().normalize();
    assumeTrue(Files.exists(path), () -> "absent, so not compared with it: " + path);
    return path;
  }
}
