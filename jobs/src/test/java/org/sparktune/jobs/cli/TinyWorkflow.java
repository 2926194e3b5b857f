package org.sparktune.jobs.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.sparktune.core.Fingerprint;

/** A folder with a tiny model, data and a specification, and ways to look at what a run left. */
public final class TinyWorkflow {
  private static final String[] NUMBERS = {"one", "two", "three", "four", "five", "six"};

  private TinyWorkflow() {}

  /** Writes {@code model}, {@code data.jsonl} and {@code spec.yaml}; gives the specification. */
  public static Path write(Path folder) throws IOException {
    TinyModel.write(folder.resolve("model"));
    writeData(folder.resolve("data.jsonl"), 24);
    return writeSpec(folder.resolve("spec.yaml"), "");
  }

  /**
   * Writes a specification of three tasks.
   *
   * @param options lines of the dataset, each indented by six spaces
   */
  public static Path writeSpec(Path file, String options) throws IOException {
    return Files.writeString(
        file,
        """
        name: tiny
        output: out
        base_model: model
        tasks:
          - name: data
            task_type: prepare
            dataset:
              sources: [data.jsonl]
              sequence_length: 64
              validation_fraction: 0.2
        %s  - name: assistant
            task_type: lora_finetune
            dataset: data
            hyperparams:
              max_steps: 6
              learning_rate: 1.0e-2
              batch_size: 2
              precision: fp32
              evaluate_every: 3
              checkpoint_every: 2
              lora: {rank: 2, dropout: 0.1}
          - name: score
            task_type: evaluate
            adapter: assistant
            dataset: data
            precision: fp32
        """
            .formatted(options));
  }

  /** Writes instructions of which every one can be used. */
  public static Path writeData(Path file, int records) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < records; i++) {
      lines.append(record(i)).append('\n');
    }
    return Files.writeString(file, lines);
  }

  /** One instruction as a line. */
  public static String record(int index) {
    return "{\"instruction\": \"What is %s and %s?\", \"output\": \"It is number %d.\"}"
        .formatted(NUMBERS[index % 6], NUMBERS[index / 6 % 6], index);
  }

  /** Every file under a folder with the checksum of its bytes; empty for no folder. */
  public static Map<String, String> checksums(Path folder) throws IOException {
    Map<String, String> checksums = new TreeMap<>();
    if (Files.exists(folder)) {
      try (Stream<Path> walk = Files.walk(folder)) {
        walk.filter(Files::isRegularFile)
            .forEach(file -> checksums.put(folder.relativize(file).toString(), checksum(file)));
      }
    }
    return checksums;
  }

  /** Writes bytes that are not all UTF-8. */
  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String checksum(Path file) {
    try {
      return new Fingerprint().add(Files.readAllBytes(file)).finish();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
