package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.sparktune.pipeline.pair.Candidate;
import org.sparktune.pipeline.pair.Contest;
import org.sparktune.pipeline.pair.PairPolicy;
import org.sparktune.pipeline.pair.PromptSummary;
import org.sparktune.pipeline.reward.RewardScale;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.sample.ResponseSet.Comparison;
import org.sparktune.pipeline.sample.ResponseSet.Response;
import org.sparktune.pipeline.source.Piece;
import scala.Tuple2;

/**
 * The records of a piece as summaries of their prompts.
 *
 * @param source the number of the piece's source
 */
record PromptSummaries(
    Piece piece, int source, PairPolicy policy, RewardScale scale, ResponseScan scan)
    implements Iterator<Tuple2<Long, PromptSummary>> {

  @Override
  public boolean hasNext() {
    return scan.hasNext();
  }

  @Override
  public Tuple2<Long, PromptSummary> next() {
    ResponseScan.Found found = scan.next();
    ResponseSet set = found.set();
    PromptSummary summary = new PromptSummary(policy, set.prompt());
    List<Candidate> candidates = new ArrayList<>(set.responses().size());
    for (Response response : set.responses()) {
      candidates.add(candidate(found, response, candidates.size()));
    }
    if (set.comparisons().isEmpty()) {
      candidates.forEach(summary::add);
    } else {
      List<Contest> contests = new ArrayList<>(set.comparisons().size());
      for (Comparison comparison : set.comparisons()) {
        contests.add(
            new Contest(
                candidates.get(comparison.first()),
                candidates.get(comparison.second()),
                comparison.outcome(),
                contests.size()));
      }
      summary.add(candidates.size(), contests);
    }
    return new Tuple2<>(set.prompt(), summary);
  }

  private Candidate candidate(ResponseScan.Found found, Response response, int index) {
    double score = scale.scale(piece.file().source(), found.set().group(), response.score());
    return new Candidate(
        score, response.hash(), response.length(), source, piece.index(), found.line(), index);
  }
}
