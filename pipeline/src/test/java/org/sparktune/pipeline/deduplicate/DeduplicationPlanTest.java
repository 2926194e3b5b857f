package org.sparktune.pipeline.deduplicate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.sparktune.pipeline.prepare.LocalSpark;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/** What Spark is asked to do, and what comes of it. */
class DeduplicationPlanTest {
  private static final DeduplicateOptions FUZZY =
      new DeduplicateOptions(true, true, 0.8, 128, 5, List.of(), false);

  private static List<Row> rows(List<String> texts) {
    TextFingerprint fingerprint = new TextFingerprint(FUZZY);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      TextFingerprint.Value value = fingerprint.of(new Sample.Text(texts.get(i)));
      rows.add(
          RowFactory.create(RecordId.of(i % 2, i), value.high(), value.low(), value.signature()));
    }
    return rows;
  }

  private static Deduplication of(SparkSession spark, List<String> texts) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    return new Deduplication(spark, FUZZY, context.parallelize(rows(texts), 3), null);
  }

  private static int count(String plan, String operator) {
    return plan.split(operator, -1).length - 1;
  }

  /** Texts of one text's words, an edit apart, so that they crowd the same buckets. */
  private static List<String> crowd(int count) {
    Random random = new Random(3);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 150; i++) {
      text.append("w").append(random.nextInt(1_000_000)).append(' ');
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(text + " end" + i);
    }
    return texts;
  }

  @Test
  void shouldCompareEachOfACrowdWithFewOthers() {
    int count = 2000;
    try (Deduplication deduplication = of(LocalSpark.session(), crowd(count))) {
      long pairs = deduplication.candidatePairs().count();
      // Most buckets hold all, so that the neighbours are the same in each; a clique has 12
      // million.
      assertTrue(pairs >= count - 1 && pairs < 10L * count, pairs + " pairs");
      assertEquals(count - 1, deduplication.verdicts().count());
      long first = RecordId.of(0, 0);
      assertEquals(0, deduplication.verdicts().filter(v -> v.duplicateOf() != first).count());
    }
  }

  @Test
  void shouldShuffleOnceAStage() {
    SparkSession spark = LocalSpark.session();
    Dataset<Row> fingerprints = spark.createDataFrame(rows(crowd(10)), Deduplication.SCHEMA);
    String exact = plan(Deduplication.withFirst(fingerprints, FUZZY));
    assertEquals(1, count(exact, "Exchange hashpartitioning"), exact);
    try (Deduplication deduplication = of(spark, crowd(10))) {
      String pairs = plan(deduplication.candidatePairs());
      // Buckets, then distinct pairs.
      assertEquals(2, count(pairs, "Exchange hashpartitioning"), pairs);
      for (String plan : List.of(exact, pairs)) {
        assertEquals(0, count(plan, "Cartesian"), plan);
        assertEquals(0, count(plan, "BroadcastNestedLoop"), plan);
        assertEquals(0, count(plan, "SinglePartition"), plan);
        assertEquals(0, count(plan, "Python"), plan);
      }
    }
  }

  /** The plan as Spark has it before it runs, without that of what is held already. */
  private static String plan(Dataset<Row> dataset) {
    return dataset.queryExecution().executedPlan().toString().split("InMemoryRelation", 2)[0];
  }
}
