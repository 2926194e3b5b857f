package org.sparktune.jobs.scoring;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.storage.HadoopSettings;

/**
 * A function of Spark SQL that scores by a reward model or a student:
 *
 * <pre>
 *   ScoreFunction.register(spark, "sparktune_score", "hdfs:///models/judge");
 *   spark.sql("SELECT id, sparktune_score(text) FROM answers");
 *   spark.sql("SELECT sparktune_score(struct(prompt, response)) FROM answers");
 * </pre>
 *
 * Its argument is text, an array of messages, or a struct with the columns of a record that can be
 * trained on. Of a record that cannot be scored, such as an empty text, it is NULL. Every executor
 * loads the model once, when it first scores, and keeps it as long as it lives.
 */
public final class ScoreFunction implements UDF1<Object, Double> {
  private static final long serialVersionUID = 1L;

  /** One a process, as an executor is: tasks share it. */
  private static final Map<String, ScoringModel> MODELS = new ConcurrentHashMap<>();

  private final String location;

  private ScoreFunction(String location) {
    this.location = location;
  }

  /**
   * Registers the function with a session.
   *
   * @param name in SQL
   * @param location of the model, a path or URI that executors can read
   */
  public static void register(SparkSession session, String name, String location) {
    session.udf().register(name, new ScoreFunction(location), DataTypes.DoubleType);
  }

  @Override
  public Double call(Object value) {
    if (value == null) {
      return null;
    }
    Object record = plain(value);
    ScoringModel model = MODELS.computeIfAbsent(location, ScoreFunction::load);
    int[] ids;
    try {
      ids = model.encode(record instanceof List<?> turns ? messages(turns) : record).ids();
    } catch (RejectException e) {
      return null;
    }
    double score = model.scores(List.of(ids)).get(0).value();
    if (!Double.isFinite(score)) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The model %s gives a document the score %s.".formatted(location, score),
          "Use an earlier checkpoint of the model.");
    }
    return score;
  }

  private static ScoringModel load(String location) {
    return ScoringModel.open(
        ModelLocations.adapter(location, HadoopSettings.here()), ScoringModel.Options.DEFAULT);
  }

  private static Map<String, Object> messages(List<?> turns) {
    return Map.of("messages", turns);
  }

  /** Spark's values as those of JSON. */
  private static Object plain(Object value) {
    if (value instanceof Row row) {
      Map<String, Object> record = new LinkedHashMap<>();
      String[] names = row.schema().fieldNames();
      for (int i = 0; i < names.length; i++) {
        if (!row.isNullAt(i)) {
          record.put(names[i], plain(row.get(i)));
        }
      }
      return record;
    }
    if (value instanceof scala.collection.Seq<?> items) {
      List<Object> list = new ArrayList<>();
      scala.collection.Iterator<?> each = items.iterator();
      while (each.hasNext()) {
        list.add(plain(each.next()));
      }
      return list;
    }
    return value;
  }
}
