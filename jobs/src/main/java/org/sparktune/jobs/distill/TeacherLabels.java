package org.sparktune.jobs.distill;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a teacher says of a dataset: {@code labels/SPLIT} in the task's folder, Parquet files that
 * Spark writes, complete when its {@code _SUCCESS} is there. A split that is complete is not scored
 * again.
 */
final class TeacherLabels {
  private static final Logger LOG = LoggerFactory.getLogger(TeacherLabels.class);
  private static final String COMPLETE = "_SUCCESS";

  private final SparkSession session;
  private final Path folder;

  TeacherLabels(SparkSession session, Path folder) {
    this.session = session;
    this.folder = folder;
  }

  /**
   * A split's labels, scored now unless they are there.
   *
   * @param rows of the split
   * @param tasks that score at once, each with a model in memory
   */
  JavaRDD<LabelledDocument> of(
      String teacher,
      String dataset,
      String split,
      Map<String, String> hadoop,
      long rows,
      int tasks) {
    Path path = folder.resolve(split);
    if (!Files.exists(path.resolve(COMPLETE))) {
      long start = System.nanoTime();
      JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
      List<TeacherPass.Range> ranges = ranges(rows, tasks);
      JavaRDD<Row> scored =
          context
              .parallelize(ranges, ranges.size())
              .flatMap(new TeacherPass(teacher, dataset, split, hadoop));
      session
          .createDataFrame(scored, LabelledDocument.SCHEMA)
          .write()
          .mode(SaveMode.Overwrite)
          .parquet(path.toUri().toString());
      LOG.info(
          "{} rows of the {} split scored by {} tasks in {} s",
          rows,
          split,
          ranges.size(),
          "%.1f".formatted((System.nanoTime() - start) * 1e-9));
    }
    return session
        .read()
        .schema(LabelledDocument.SCHEMA)
        .parquet(path.toUri().toString())
        .toJavaRDD()
        .map(LabelledDocument::ofRow);
  }

  private static List<TeacherPass.Range> ranges(long rows, int tasks) {
    List<TeacherPass.Range> ranges = new ArrayList<>();
    for (int i = 0; i < tasks; i++) {
      long from = rows * i / tasks;
      long to = rows * (i + 1) / tasks;
      if (from < to) {
        ranges.add(new TeacherPass.Range(from, to));
      }
    }
    return ranges;
  }
}
