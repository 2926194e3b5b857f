package org.sparktune.pipeline.deduplicate;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.lag;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;

import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/**
 * Finds duplicates by fingerprints: exact ones by their hash, near ones by MinHash and locality
 * sensitive hashing. Of duplicates the one that comes first in the sources stays, so the outcome
 * does not depend on partitions. However many records share a bucket, each is compared with two
 * others: the bucket's first and the one before it.
 */
public final class Deduplication implements AutoCloseable {
  /** A record's fingerprint: {@code id, high, low, signature}. */
  public static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.LongType, false)
          .add("high", DataTypes.LongType, false)
          .add("low", DataTypes.LongType, false)
          .add("signature", DataTypes.BinaryType, false);

  private static final Logger LOG = LoggerFactory.getLogger(Deduplication.class);

  private final DeduplicateOptions options;
  private final MinHash minHash;
  private final Dataset<Row> fingerprints;
  private final Dataset<Row> verdicts;

  /**
   * @param fingerprints of this input, in any order
   * @param known of earlier datasets; null if there is none
   */
  public Deduplication(
      SparkSession spark,
      DeduplicateOptions options,
      JavaRDD<Row> fingerprints,
      Dataset<Row> known) {
    this.options = options;
    this.minHash = new MinHash(options.permutations(), options.threshold());
    Dataset<Row> own = spark.createDataFrame(fingerprints, SCHEMA);
    Dataset<Row> all = known == null ? own : own.union(known);
    this.fingerprints = withFirst(all, options).persist(StorageLevel.MEMORY_AND_DISK());
    // Computed once, now: jobs that run at the same time and all need it would each read the input.
    long compared = this.fingerprints.count();
    LOG.info("Looking for duplicates among {} records", compared);
    this.verdicts = findVerdicts().where(col("id").geq(0)).persist(StorageLevel.MEMORY_AND_DISK());
  }

  /** Adds {@code first}: the first record with the same text. */
  static Dataset<Row> withFirst(Dataset<Row> all, DeduplicateOptions options) {
    if (!options.exact()) {
      return all.withColumn("first", col("id"));
    }
    WindowSpec sameText =
        Window.partitionBy("high", "low")
            .orderBy("id")
            .rowsBetween(Window.unboundedPreceding(), Window.currentRow());
    return all.withColumn("first", first(col("id")).over(sameText));
  }

  private Dataset<Row> findVerdicts() {
    Dataset<Row> exact =
        fingerprints
            .where(col("first").notEqual(col("id")))
            .select(col("id"), col("first").as("of"), lit(false).as("near"));
    if (!options.fuzzy()) {
      return exact;
    }
    Dataset<Row> components =
        new ConnectedComponents(ConnectedComponents.ONE_TASK_EDGES).of(nearPairs());
    return exact.union(components.withColumn("near", lit(true)));
  }

  /** What near duplicates are looked for among: the first records of each text. */
  private Dataset<Row> candidates() {
    return fingerprints
        .where(col("first").equalTo(col("id")).and(length(col("signature")).gt(0)))
        .select("id", "signature");
  }

  /** Pairs that share a band of their signatures: {@code id, of} with {@code id > of}. */
  Dataset<Row> candidatePairs() {
    UserDefinedFunction bandKeys =
        udf(
            (UDF1<byte[], long[]>) minHash::bandKeys,
            DataTypes.createArrayType(DataTypes.LongType, false));
    WindowSpec bucket = Window.partitionBy("key").orderBy("id");
    return candidates()
        .select(col("id"), explode(bandKeys.apply(col("signature"))).as("key"))
        .withColumn(
            "first",
            first(col("id"))
                .over(bucket.rowsBetween(Window.unboundedPreceding(), Window.currentRow())))
        .withColumn("before", lag(col("id"), 1).over(bucket))
        .where(col("before").isNotNull())
        .select(col("id"), explode(array(col("first"), col("before"))).as("of"))
        .distinct();
  }

  /** Those of the pairs that are nearly the same. */
  private Dataset<Row> nearPairs() {
    UserDefinedFunction isNear =
        udf((UDF2<byte[], byte[], Boolean>) minHash::isNear, DataTypes.BooleanType);
    Dataset<Row> ones = candidates().select(col("id"), col("signature").as("one"));
    Dataset<Row> others = candidates().select(col("id").as("of"), col("signature").as("other"));
    return candidatePairs()
        .join(ones, "id")
        .join(others, "of")
        .where(isNear.apply(col("one"), col("other")))
        .select("id", "of");
  }

  /** Which records are to be left out, each once, in no order. */
  public JavaRDD<Verdict> verdicts() {
    return verdicts
        .toJavaRDD()
        .map(row -> new Verdict(row.getLong(0), row.getLong(1), row.getBoolean(2)));
  }

  /** The fingerprints of this input's records that stay: {@code id, high, low, signature}. */
  Dataset<Row> kept() {
    return fingerprints
        .where(col("id").geq(0))
        .join(
            verdicts.select("id"), fingerprints.col("id").equalTo(verdicts.col("id")), "left_anti")
        .select("id", "high", "low", "signature");
  }

  /** Gives back what is held on the executors. */
  @Override
  public void close() {
    verdicts.unpersist();
    fingerprints.unpersist();
  }
}
