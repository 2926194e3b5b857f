package org.sparktune.jobs.serve;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.sparktune.jobs.scoring.ScoringModel;
import org.sparktune.jobs.training.DocumentScore;

/** Scores a text by its length, when it is let. */
final class GatedModel implements ScoringModel {
  /** A permit for every pass that may go on. */
  final Semaphore gate = new Semaphore(0);

  /** A permit for every pass that has begun. */
  final Semaphore begun = new Semaphore(0);

  @Override
  public String kind() {
    return "gated model";
  }

  @Override
  public Encoded encode(Object record) {
    return new Encoded(new int[record.toString().length()], false);
  }

  @Override
  public List<DocumentScore> scores(List<int[]> documents) {
    begun.release();
    gate.acquireUninterruptibly();
    return documents.stream().map(ids -> new DocumentScore(ids.length, null)).toList();
  }

  @Override
  public int parallelism() {
    return 1;
  }

  @Override
  public void close() {
    gate.release(Integer.MAX_VALUE / 2);
  }
}
