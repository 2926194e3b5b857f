package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.reward.RewardScale;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.reward.ScoreStatistics;
import org.sparktune.pipeline.reward.ScoreSummary;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.spec.RewardOptions;
import scala.Tuple2;

/**
 * The pass over scores: a summary of each piece, merged by group in the order of pieces, so that
 * the result does not depend on tasks. Only summaries shuffle.
 */
final class ScorePass {
  /** Groups whose statistics a task can hold. */
  static final int MAXIMUM_GROUPS = 10_000;

  private static final int MAXIMUM_PARTITIONS = 64;

  private ScorePass() {}

  /**
   * A group's summary of one piece.
   *
   * @param name the group; null for all scores together
   */
  private record Part(String name, int piece) implements Serializable {
    int partition(int partitions) {
      return name == null ? 0 : Math.floorMod(name.hashCode(), partitions);
    }
  }

  private static final class Order implements Comparator<Part>, Serializable {
    private static final long serialVersionUID = 1L;
    private static final Comparator<String> NAMES =
        Comparator.nullsFirst(Comparator.<String>naturalOrder());

    @Override
    public int compare(Part a, Part b) {
      int byName = NAMES.compare(a.name, b.name);
      return byName != 0 ? byName : Integer.compare(a.piece, b.piece);
    }
  }

  private static final class ByGroup extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int partitions;

    ByGroup(int partitions) {
      this.partitions = partitions;
    }

    @Override
    public int numPartitions() {
      return partitions;
    }

    @Override
    public int getPartition(Object key) {
      return ((Part) key).partition(partitions);
    }
  }

  /**
   * The statistics of all scores.
   *
   * @throws SparktuneException {@link ErrorCode#BAD_DATA} when there are too many groups
   */
  static RewardStatistics run(
      PrepareOptions options,
      JavaRDD<PieceInput> inputs,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration) {
    int partitions = Math.min(MAXIMUM_PARTITIONS, inputs.getNumPartitions());
    List<Tuple2<String, ScoreStatistics>> merged =
        inputs
            .flatMapToPair(
                input ->
                    summaries(input, options, curation.value(), configuration.value().value())
                        .iterator())
            .repartitionAndSortWithinPartitions(new ByGroup(partitions), new Order())
            .mapPartitions(Merging::new)
            .collect();
    TreeMap<String, ScoreStatistics> groups = new TreeMap<>();
    ScoreStatistics all = new ScoreSummary().statistics();
    for (Tuple2<String, ScoreStatistics> group : merged) {
      if (group._1() == null) {
        all = group._2();
      } else {
        groups.put(group._1(), group._2());
        checkGroups(groups.size());
      }
    }
    RewardOptions rewards = options.dataset().rewards();
    return new RewardStatistics(rewards.by().name().toLowerCase(Locale.ROOT), all, groups);
  }

  private static List<Tuple2<Part, ScoreSummary>> summaries(
      PieceInput input, PrepareOptions options, Curation curation, Configuration configuration) {
    RewardOptions rewards = options.dataset().rewards();
    String source = input.piece().file().source();
    TreeMap<String, ScoreSummary> groups = new TreeMap<>();
    ScoreSummary all = new ScoreSummary();
    ResponseScan scan = new ResponseScan(input, options, curation, configuration);
    while (scan.hasNext()) {
      ResponseSet set = scan.next().set();
      ScoreSummary group =
          groups.computeIfAbsent(
              RewardScale.group(rewards, source, set.group()), unused -> new ScoreSummary());
      checkGroups(groups.size());
      for (ResponseSet.Response response : set.responses()) {
        // Ranks and comparisons have no scores.
        if (!Double.isNaN(response.score())) {
          group.add(response.score());
          all.add(response.score());
        }
      }
    }
    List<Tuple2<Part, ScoreSummary>> summaries = new ArrayList<>();
    int piece = input.piece().index();
    summaries.add(new Tuple2<>(new Part(null, piece), all.compressed()));
    groups.forEach(
        (name, summary) ->
            summaries.add(new Tuple2<>(new Part(name, piece), summary.compressed())));
    return summaries;
  }

  private static void checkGroups(int groups) {
    if (groups > MAXIMUM_GROUPS) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "The column 'group' has more than %d values.".formatted(MAXIMUM_GROUPS),
          "Group scores by something coarser, or write by: source.");
    }
  }

  /** Merges the summaries of a group, which follow each other in the order of pieces. */
  private static final class Merging implements Iterator<Tuple2<String, ScoreStatistics>> {
    private final Iterator<Tuple2<Part, ScoreSummary>> sorted;
    private Tuple2<Part, ScoreSummary> next;

    Merging(Iterator<Tuple2<Part, ScoreSummary>> sorted) {
      this.sorted = sorted;
      advance();
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public Tuple2<String, ScoreStatistics> next() {
      String name = next._1().name();
      ScoreSummary merged = new ScoreSummary();
      while (next != null && java.util.Objects.equals(next._1().name(), name)) {
        merged.merge(next._2());
        advance();
      }
      return new Tuple2<>(name, merged.statistics());
    }

    private void advance() {
      next = sorted.hasNext() ? sorted.next() : null;
    }
  }
}
