package org.sparktune.jobs.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Writes the quickstart's two data files as JSONL; the same seed gives the same bytes. */
final class CorpusWriter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FACTS_PER_DOCUMENT = 8;

  private CorpusWriter() {}

  /**
   * One document of the pre-training text: a story, a list of facts, or a story with facts around
   * it.
   */
  static String document(RandomGenerator random) {
    int kind = random.nextInt(10);
    if (kind < 4) {
      return StoryWriter.story(random);
    }
    StringBuilder text = new StringBuilder();
    int facts = kind < 8 ? FACTS_PER_DOCUMENT : 3;
    for (int i = 0; i < facts; i++) {
      text.append(FactWriter.sentence(random)).append(' ');
    }
    return kind < 8 ? text.toString().strip() : text + StoryWriter.story(random);
  }

  /** Writes pre-training documents, one {@code {"text": …}} a line. */
  static void writeDocuments(Path file, int documents, long seed) throws IOException {
    RandomGenerator random = new SplittableRandom(seed);
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < documents; i++) {
        writeLine(out, Map.of("text", document(random)));
      }
    }
  }

  /**
   * Writes instructions in Alpaca columns; no question is asked twice, except that a story may be
   * told again.
   */
  static void writeInstructions(Path file, int count, long seed) throws IOException {
    RandomGenerator random = new SplittableRandom(seed);
    Set<InstructionWriter.Instruction> seen = new HashSet<>();
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      while (seen.size() < count) {
        InstructionWriter.Instruction instruction = InstructionWriter.instruction(random);
        if (seen.add(instruction)) {
          Map<String, String> columns = new LinkedHashMap<>();
          columns.put("instruction", instruction.instruction());
          columns.put("input", instruction.input());
          columns.put("output", instruction.output());
          writeLine(out, columns);
        }
      }
    }
  }

  private static void writeLine(BufferedWriter out, Map<String, String> columns)
      throws IOException {
    out.write(JSON.writeValueAsString(columns));
    out.write('\n');
  }
}
