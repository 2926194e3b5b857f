package org.sparktune.trainer.run;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
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
 * Reads a rank's micro-batches of every step, some steps ahead, on a thread of its own. All ranks
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

  /** Steps that are read or being read, in their order. */
  private final Deque<Future<Step>> ahead = new ArrayDeque<>();

  private final int depth;
  private long stepsLeft;

  /** Where the step after the last one in {@link #ahead} begins; used by the thread alone. */
  private Cursor place;

  /**
   * @param reader used by nobody else from {@link #start} to {@link #close}
   * @param batchSize rows of a micro-batch
   * @param leaves micro-batches of a step
   * @param depth how many steps are read ahead, at least 1
   */
  StepReader(DatasetReader reader, int batchSize, int leaves, int depth, Collective collective) {
    this.reader = reader;
    this.batchSize = batchSize;
    this.leaves = leaves;
    this.depth = depth;
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
  void start(Cursor from, long steps) {
    stepsLeft = steps;
    place = from;
    for (int i = 0; i < depth; i++) {
      readAhead();
    }
  }

  /** The next step; its errors are those of {@link DatasetReader#next}. */
  Step next() {
    Step step = await(ahead.remove());
    readAhead();
    return step;
  }

  /**
   * A step after the one that {@link #next} returned last, which will be returned later.
   *
   * @param distance 1 for the one right after it, at most {@code depth}
   * @return nothing after the last step
   */
  Optional<Step> peek(int distance) {
    if (ahead.size() < distance) {
      return Optional.empty();
    }
    Iterator<Future<Step>> steps = ahead.iterator();
    for (int i = 1; i < distance; i++) {
      steps.next();
    }
    return Optional.of(await(steps.next()));
  }

  private static Step await(Future<Step> step) {
    try {
      return step.get();
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

  private void readAhead() {
    if (stepsLeft > 0) {
      stepsLeft--;
      ahead.add(
          thread.submit(
              () -> {
                Step step = read(place);
                place = step.after();
                return step;
              }));
    }
  }

  private Step read(Cursor from) {
    reader.seek(from);
    List<MicroBatch> microBatches = new ArrayList<>();
    int leaf = 0;
    do {
      if (leaf >= own.from() && leaf < own.to()) {
        microBatches.add(MicroBatch.read(reader, batchSize));
      } else {
        reader.skip(batchSize);
      }
      leaf++;
    } while (leaf < leaves && reader.cursor().epoch() == from.epoch());
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
