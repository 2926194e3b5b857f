package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparktune.pipeline.pair.Candidate;
import org.sparktune.pipeline.pair.ChosenPair;
import org.sparktune.pipeline.pair.PairBalance;
import org.sparktune.pipeline.pair.PairCounts;
import org.sparktune.pipeline.pair.PairMaker;
import org.sparktune.pipeline.pair.PairPolicy;
import org.sparktune.pipeline.pair.PromptSummary;
import org.sparktune.pipeline.reward.RewardScale;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.source.Piece;
import scala.Tuple2;

/**
 * The pass that makes pairs: bounded summaries of prompts are merged, first where their responses
 * are read, then by prompt; from them follow the pairs, and from those the places of the responses
 * that are in one. No text shuffles here. Prompts are told apart by 64 bits: among a thousand
 * million of them, one pair of prompts is taken for the same with a probability of 3 percent.
 */
final class PairPass {
  private static final String BALANCED = "pairs.dropped_for_balance";

  private final PartLayout layout;
  private final PairPolicy policy;
  private final JavaPairRDD<Long, PromptSummary> summaries;
  private final PairCounts counts;
  private final PairBalance balance;

  PairPass(
      PrepareOptions options,
      PartLayout layout,
      List<Piece> pieces,
      JavaRDD<PieceInput> inputs,
      Broadcast<RewardScale> scale,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration) {
    this.layout = layout;
    this.policy = new PairPolicy(options.dataset().pairs(), options.seed());
    Map<String, Integer> sources = sources(pieces);
    PairPolicy taskPolicy = policy;
    this.summaries =
        inputs
            .flatMapToPair(
                input ->
                    new PromptSummaries(
                        input.piece(),
                        sources.get(input.piece().file().source()),
                        taskPolicy,
                        scale.value(),
                        new ResponseScan(
                            input, options, curation.value(), configuration.value().value())))
            .reduceByKey(PromptSummary::merge, inputs.getNumPartitions());
    this.counts =
        summaries
            .mapPartitions(prompts -> List.of(count(taskPolicy, prompts)).iterator())
            .reduce(PairCounts::merge);
    this.balance = new PairBalance(policy, counts);
    if (!policy.options().balance().isEmpty()) {
      PairBalance taskBalance = balance;
      long kept =
          summaries.map(prompt -> kept(prompt._2(), taskPolicy, taskBalance)).fold(0L, Long::sum);
      counts.counts().put(BALANCED, counts.made() - kept);
    }
  }

  private static long kept(PromptSummary prompt, PairPolicy policy, PairBalance balance) {
    long kept = 0;
    for (ChosenPair pair : new PairMaker(policy, new PairCounts()).pairs(prompt)) {
      kept += balance.keeps(pair) ? 1 : 0;
    }
    return kept;
  }

  private static Map<String, Integer> sources(List<Piece> pieces) {
    Map<String, Integer> sources = new TreeMap<>();
    for (Piece piece : pieces) {
      sources.putIfAbsent(piece.file().source(), sources.size());
    }
    return sources;
  }

  private static PairCounts count(
      PairPolicy policy, Iterator<Tuple2<Long, PromptSummary>> prompts) {
    PairCounts counted = new PairCounts();
    PairMaker maker = new PairMaker(policy, counted);
    while (prompts.hasNext()) {
      maker.pairs(prompts.next()._2());
    }
    return counted;
  }

  /** What was counted, by name. */
  Map<String, Long> counts() {
    return counts.counts();
  }

  /** The responses in pairs: in partition i those of piece i, in their order there. */
  JavaPairRDD<ResponsePlace, PairSide> byPiece(int pieces) {
    PairPolicy taskPolicy = policy;
    PairBalance taskBalance = balance;
    PartLayout taskLayout = layout;
    return summaries
        .flatMapToPair(prompt -> sides(prompt._2(), taskPolicy, taskBalance, taskLayout).iterator())
        .repartitionAndSortWithinPartitions(
            new ResponsePlace.ByPiece(pieces), new ResponsePlace.Order());
  }

  private static List<Tuple2<ResponsePlace, PairSide>> sides(
      PromptSummary prompt, PairPolicy policy, PairBalance balance, PartLayout layout) {
    List<Tuple2<ResponsePlace, PairSide>> sides = new ArrayList<>();
    for (ChosenPair pair : new PairMaker(policy, new PairCounts()).pairs(prompt)) {
      if (balance.keeps(pair)) {
        Candidate chosen = pair.chosen();
        long family = ContentHash.mix(pair.prompt());
        long content = ContentHash.mix(chosen.hash() + 31 * pair.rejected().hash()) ^ family;
        DocumentKey key = layout.place(family, content, chosen.piece(), chosen.line());
        for (int side = 0; side < 2; side++) {
          int member = 2 * pair.number() + side;
          Candidate response = side == 0 ? chosen : pair.rejected();
          sides.add(
              new Tuple2<>(
                  ResponsePlace.of(response, member),
                  new PairSide(key.withMember(member), pair.margin())));
        }
      }
    }
    return sides;
  }
}
