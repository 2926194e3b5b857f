package org.sparktune.pipeline.deduplicate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.sparktune.pipeline.prepare.LocalSpark;

class ConnectedComponentsTest {
  private static final StructType EDGES =
      new StructType().add("id", DataTypes.LongType, false).add("of", DataTypes.LongType, false);

  private static Map<Long, Long> components(Set<List<Long>> edges, long oneTaskEdges) {
    List<Row> rows = new ArrayList<>();
    for (List<Long> edge : edges) {
      rows.add(RowFactory.create(edge.get(0), edge.get(1)));
    }
    Dataset<Row> dataset = LocalSpark.session().createDataFrame(rows, EDGES).repartition(3);
    Map<Long, Long> found = new TreeMap<>();
    for (Row row : new ConnectedComponents(oneTaskEdges).of(dataset).collectAsList()) {
      assertEquals(null, found.put(row.getLong(0), row.getLong(1)), "a node is there twice");
    }
    return found;
  }

  /** Labels spread until nothing changes. */
  private static Map<Long, Long> plain(Set<List<Long>> edges) {
    Map<Long, Long> labels = new HashMap<>();
    boolean changed = true;
    while (changed) {
      changed = false;
      for (List<Long> edge : edges) {
        long one = labels.getOrDefault(edge.get(0), edge.get(0));
        long other = labels.getOrDefault(edge.get(1), edge.get(1));
        changed |= one != other;
        labels.put(edge.get(0), Math.min(one, other));
        labels.put(edge.get(1), Math.min(one, other));
      }
    }
    labels.entrySet().removeIf(entry -> entry.getKey().equals(entry.getValue()));
    return new TreeMap<>(labels);
  }

  private static Set<List<Long>> random(int nodes, int count, long seed) {
    Random random = new Random(seed);
    Set<List<Long>> edges = new LinkedHashSet<>();
    while (edges.size() < count) {
      long one = random.nextInt(nodes) - 5L;
      long other = random.nextInt(nodes) - 5L;
      if (one != other) {
        edges.add(List.of(Math.max(one, other), Math.min(one, other)));
      }
    }
    return edges;
  }

  /** A chain through shuffled nodes, beside a random graph: rounds grow with its logarithm. */
  @Test
  void shouldNameComponentsByTheirSmallestNode() {
    Set<List<Long>> edges = random(60, 40, 1);
    List<Long> order = new ArrayList<>();
    for (long i = 1000; i < 1120; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(2));
    for (int i = 1; i < order.size(); i++) {
      long one = order.get(i - 1);
      long other = order.get(i);
      edges.add(List.of(Math.max(one, other), Math.min(one, other)));
    }
    Map<Long, Long> expected = plain(edges);
    assertEquals(1000L, expected.get(1119L));
    assertEquals(expected, components(edges, ConnectedComponents.ONE_TASK_EDGES));
    assertEquals(expected, components(edges, 0));
  }

  @Test
  void shouldFollowAChainInOneTask() {
    Set<List<Long>> edges = new LinkedHashSet<>();
    for (long i = 100_000; i > 0; i--) {
      edges.add(List.of(i, i - 1));
    }
    Map<Long, Long> found = components(edges, ConnectedComponents.ONE_TASK_EDGES);
    assertEquals(100_000, found.size());
    assertEquals(Set.of(0L), new HashSet<>(found.values()));
  }

  @Test
  void shouldTakeNoEdges() {
    assertEquals(Map.of(), components(Set.of(), 0));
  }
}
