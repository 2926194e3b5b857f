package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;

/**
 * Reads a rank's micro-batches of every step, a step ahead, on a thread of its own. All ranks
 * follow the same order of rows and pass over what others compute.
 */
final class StepReader implements AutoCloseable {
  private final DatasetReader reader;
  private final int batchSize;
  private final int leaves;
  private final Slices.Range own;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread reading = new Thread(task, "read-ahead");
            reading.setDaemon(true);
            return reading;
          });
  private Future<Step> ahead;
  private long stepsLeft;

  /**
   * @param reader used by nobody else from {@link #start} to {@link #close}
   * @param batchSize rows of a micro-batch
   * @param leaves micro-batches of a step
   */
  StepReader(DatasetReader reader, int batchSize, int leaves, Collective collective) {
    this.reader = reader;
    this.batchSize = batchSize;
    this.leaves = leaves;
    this.own = Slices.leaves(collective.rank(), collective.ranks(), leaves);
  }

  /**
   * What a rank computes of a step.
   *
   * @param microBatches its own, in order
   * @param firstLeaf index of the first of them among those of all ranks
   * @param leaves micro-batches of the step, of all ranks; fewer than usual at the end of an epoch
   * @param after the place of the row after the step
   */
  record Step(List<MicroBatch> microBatches, int firstLeaf, int leaves, Cursor after) {}

  /**
   * Begins to read.
   *
   * @param steps how many steps will be read
   */
  void start(Cursor place, long steps) {
    stepsLeft = steps;
    readAhead(place);
  }

  /** The next step; its errors are those of {@link DatasetReader#next}. */
  Step next() {
    try {
      Step step = ahead.get();
      readAhead(step.after());
      return step;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for rows", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException("Reading ahead failed", e.getCause());
    }
  }

  private void readAhead(Cursor place) {
    if (stepsLeft > 0) {
      stepsLeft--;
      ahead = thread.submit(() -> read(place));
    }
  }

  private Step read(Cursor place) {
    reader.seek(place);
    List<MicroBatch> microBatches = new ArrayList<>();
    int leaf = 0;
    do {
      if (leaf >= own.from() && leaf < own.to()) {
        microBatches.add(MicroBatch.read(reader, batchSize));
      } else {
        reader.skip(batchSize);
      }
      leaf++;
    } while (leaf < leaves && reader.cursor().epoch() == place.epoch());
    return new Step(microBatches, (int) own.from(), leaf, reader.cursor());
  }

  /** Waits until nothing is read any more. */
  @Override
  public void close() {
    thread.shutdown();
    boolean interrupted = false;
    while (true) {
      try {
        if (thread.awaitTermination(1, TimeUnit.MINUTES)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
