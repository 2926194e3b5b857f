package org.sparktune.pipeline.dataset;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.pipeline.sample.Document;

/**
 * Packs documents into rows by best-fit decreasing: the longest first, each into the fullest row
 * that still has room (Johnson 1974; at most 11/9 of the optimum). Documents are never cut.
 */
final class Packer {
  private final int capacity;

  /**
   * @param capacity tokens of a row
   */
  Packer(int capacity) {
    this.capacity = capacity;
  }

  /** A row being filled: indexes of its documents. */
  private record Bin(List<Integer> members) {}

  /**
   * Packs documents of at most the capacity.
   *
   * @return per row the indexes of its documents, rising; rows in the order of their first document
   */
  List<List<Integer>> pack(List<Document> documents) {
    List<Integer> order = new ArrayList<>(documents.size());
    for (int i = 0; i < documents.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingInt((Integer i) -> documents.get(i).length()).reversed());
    TreeMap<Integer, ArrayDeque<Bin>> byRoom = new TreeMap<>();
    List<List<Integer>> rows = new ArrayList<>();
    for (Integer document : order) {
      int length = documents.get(document).length();
      Map.Entry<Integer, ArrayDeque<Bin>> fullest = byRoom.ceilingEntry(length);
      int room;
      Bin bin;
      if (fullest == null) {
        room = capacity;
        bin = new Bin(new ArrayList<>());
        rows.add(bin.members());
      } else {
        room = fullest.getKey();
        bin = fullest.getValue().removeFirst();
        if (fullest.getValue().isEmpty()) {
          byRoom.remove(room);
        }
      }
      bin.members().add(document);
      if (room > length) {
        byRoom.computeIfAbsent(room - length, unused -> new ArrayDeque<>()).addLast(bin);
      }
    }
    for (List<Integer> row : rows) {
      row.sort(Comparator.naturalOrder());
    }
    rows.sort(Comparator.comparing(row -> row.get(0)));
    return rows;
  }
}
