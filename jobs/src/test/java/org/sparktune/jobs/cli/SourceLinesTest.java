package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;

/** A prepared row can be traced to the lines that it was made of. */
@ExtendWith(SharedSpark.class)
class SourceLinesTest {
  private static final int RECORDS = 40;

  @TempDir private Path folder;

  @Test
  void shouldNameTheLineOfEveryDocument() throws IOException {
    TinyWorkflow.write(folder);
    // A rejected line counts as a line; the second file goes on where the first stops.
    StringBuilder first = new StringBuilder("no record\n");
    StringBuilder second = new StringBuilder();
    for (int i = 0; i < RECORDS; i++) {
      (i < RECORDS / 2 ? first : second).append(TinyWorkflow.record(i)).append('\n');
    }
    Files.writeString(folder.resolve("data.jsonl"), first);
    Files.writeString(folder.resolve("more.jsonl"), second);
    TinyWorkflow.writeSpec(folder.resolve("spec.yaml"), "      max_reject_ratio: 0.5\n");
    CommandRun.in(
            folder,
            "prepare",
            "spec.yaml",
            "--set",
            "data.dataset.sources=[data.jsonl, more.jsonl]",
            "--set",
            "data.dataset.sequence_length=128")
        .requireDone();

    Tokenizer tokenizer = Tokenizers.load(folder.resolve("model"));
    DatasetFolder dataset =
        DatasetFolder.open(folder.resolve("out/data/dataset").toString(), new Configuration());
    TreeSet<Integer> seen = new TreeSet<>();
    for (String split : List.of("train", "validation")) {
      try (DatasetReader reader =
          dataset.split(split, tokenizer.vocabularySize(), RowOrder.STORED)) {
        for (long i = 0; i < reader.rows(); i++) {
          DatasetRow row = reader.next();
          String[] named = reader.sourceLines(List.of(row), RECORDS).split(", ", -1);
          assertEquals(row.documentStarts().length, named.length);
          for (int document = 0; document < named.length; document++) {
            int record = record(named[document]);
            String text = tokenizer.decode(document(row, document), true);
            assertTrue(
                text.contains("It is number " + record + "."), named[document] + ": " + text);
            seen.add(record);
          }
        }
        DatasetRow last = reader.next();
        String few = reader.sourceLines(List.of(last, last), 1);
        assertTrue(few.endsWith(" and " + (2 * last.documentStarts().length - 1) + " more"), few);
      }
    }
    assertEquals(RECORDS, seen.size());
  }

  /** The number of the record on a line. */
  private static int record(String place) {
    int line = Integer.parseInt(place.substring(place.lastIndexOf(':') + 1));
    String file = place.substring(place.lastIndexOf('/') + 1, place.lastIndexOf(':'));
    return file.equals("data.jsonl") ? line - 2 : RECORDS / 2 + line - 1;
  }

  private static int[] document(DatasetRow row, int document) {
    int[] starts = row.documentStarts();
    int end = document + 1 < starts.length ? starts[document + 1] : row.tokens().length;
    return Arrays.copyOfRange(row.tokens(), starts[document], end);
  }
}
