package org.sparktune.pipeline.dataset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.sample.Document;

class PackerTest {
  private static Document document(int length) {
    return new Document(new int[length], new byte[length]);
  }

  @Test
  void shouldPutADocumentIntoTheFullestRowWithRoom() {
    List<Document> documents =
        List.of(document(3), document(7), document(2), document(5), document(3));
    assertEquals(List.of(List.of(0, 1), List.of(2, 3, 4)), new Packer(10).pack(documents));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 207, 4098})
  void shouldKeepEveryDocumentOnceAndFillRows(int count) {
    Random random = new Random(count);
    List<Document> documents = new ArrayList<>();
    long tokens = 0;
    for (int i = 0; i < count; i++) {
      int length = 1 + random.nextInt(400);
      documents.add(document(length));
      tokens += length;
    }
    List<List<Integer>> rows = new Packer(1000).pack(documents);
    boolean[] seen = new boolean[count];
    for (List<Integer> row : rows) {
      int length = 0;
      for (int i : row) {
        assertTrue(!seen[i], "document " + i + " twice");
        seen[i] = true;
        length += documents.get(i).length();
      }
      assertTrue(length <= 1000);
    }
    for (boolean each : seen) {
      assertTrue(each);
    }
    long optimum = (tokens + 999) / 1000;
    assertTrue(
        rows.size() <= Math.ceil(optimum * 11 / 9.0) + 1,
        rows.size() + " rows, " + optimum + " would do");
    if (count > 1000) {
      assertTrue(tokens / (1000.0 * rows.size()) > 0.98);
    }
  }
}
