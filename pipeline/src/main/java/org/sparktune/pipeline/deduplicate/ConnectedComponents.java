package org.sparktune.pipeline.deduplicate;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.min;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The connected components of a graph, each named by its smallest node. Small graphs are solved by
 * one task. Large ones are contracted by alternating large stars and small stars (Kiveris et al.
 * 2014): O(log² n) rounds whatever the shape, so that a chain of a thousand near duplicates takes
 * no thousand rounds, with never more edges than at the start. The result is the same either way
 * and does not depend on partitions.
 */
final class ConnectedComponents {
  /** So many edges are 16 MB. */
  static final long ONE_TASK_EDGES = 1L << 20;

  private static final StructType EDGES =
      new StructType().add("id", DataTypes.LongType, false).add("of", DataTypes.LongType, false);

  private final long oneTaskEdges;

  /**
   * @param oneTaskEdges graphs of at most so many edges are solved by one task
   */
  ConnectedComponents(long oneTaskEdges) {
    this.oneTaskEdges = oneTaskEdges;
  }

  /**
   * Every node of the edges but the components' smallest, with the smallest.
   *
   * @param edges columns {@code id} and {@code of}, {@code id > of}, none twice
   * @return columns {@code id} and {@code of}
   */
  Dataset<Row> of(Dataset<Row> edges) {
    Dataset<Row> stored = edges.localCheckpoint(false);
    if (stored.count() <= oneTaskEdges) {
      return stored
          .coalesce(1)
          .mapPartitions((MapPartitionsFunction<Row, Row>) ConnectedComponents::solve, encoder());
    }
    Row before = digest(stored);
    while (true) {
      // Lazily: the digest computes it and leaves it where it is, in one job. A plan of all rounds
      // would be planned anew, and longer, each time.
      Dataset<Row> next = smallStar(largeStar(stored)).localCheckpoint(false);
      Row now = digest(next);
      if (now.equals(before)) {
        return next;
      }
      stored = next;
      before = now;
    }
  }

  private static org.apache.spark.sql.Encoder<Row> encoder() {
    return Encoders.row(EDGES);
  }

  /** Equal for equal sets of edges, and hardly for others. */
  private static Row digest(Dataset<Row> edges) {
    return edges
        .agg(expr("count(1)"), expr("bit_xor(xxhash64(id, of))"), expr("bit_xor(xxhash64(of, id))"))
        .first();
  }

  /** Links every larger neighbour of a node to the smallest of the node and its neighbours. */
  private static Dataset<Row> largeStar(Dataset<Row> edges) {
    WindowSpec neighbours = Window.partitionBy("node");
    Dataset<Row> both =
        edges
            .select(col("id").as("node"), col("of").as("neighbour"))
            .union(edges.select(col("of").as("node"), col("id").as("neighbour")));
    return both.withColumn("least", least(col("node"), min(col("neighbour")).over(neighbours)))
        .where(col("neighbour").gt(col("node")))
        .select(col("neighbour").as("id"), col("least").as("of"))
        .distinct();
  }

  /** Links a node and its smaller neighbours to the smallest of these. */
  private static Dataset<Row> smallStar(Dataset<Row> edges) {
    WindowSpec neighbours = Window.partitionBy("id");
    Dataset<Row> marked = edges.withColumn("least", min(col("of")).over(neighbours));
    Dataset<Row> others =
        marked.where(col("of").gt(col("least"))).select(col("of").as("id"), col("least").as("of"));
    return others.union(marked.select(col("id"), col("least").as("of"))).distinct();
  }

  /** Union by smallest node, with path halving. */
  private static Iterator<Row> solve(Iterator<Row> edges) {
    Map<Long, Long> parents = new HashMap<>();
    while (edges.hasNext()) {
      Row edge = edges.next();
      long one = root(parents, edge.getLong(0));
      long other = root(parents, edge.getLong(1));
      parents.put(Math.max(one, other), Math.min(one, other));
    }
    List<Row> members = new ArrayList<>();
    for (Long node : parents.keySet().toArray(Long[]::new)) {
      long root = root(parents, node);
      if (root != node) {
        members.add(RowFactory.create(node, root));
      }
    }
    return members.iterator();
  }

  private static long root(Map<Long, Long> parents, long start) {
    long node = start;
    while (true) {
      long parent = parents.getOrDefault(node, node);
      if (parent == node) {
        return node;
      }
      long grandparent = parents.getOrDefault(parent, parent);
      parents.put(node, grandparent);
      node = grandparent;
    }
  }
}
