package org.sparktune.trainer.run;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.rollout.Rollout;
import org.sparktune.trainer.rollout.RolloutMaker;

/**
 * Copies of the policy that sample the rollouts of later steps while training goes on.
 *
 * <p>The rollouts of step s are always sampled by version {@code s - staleness} of the parameters,
 * or by the one that the run began or resumed with: version v is what v steps have made. So what is
 * learnt depends neither on how fast anyone is nor on how many workers there are, and no more than
 * {@code staleness} steps are ever between those who sample and those who learn.
 *
 * <p>Rollouts that are sampled and not yet learnt from fill a bounded queue; where it is full,
 * workers wait. A place in it is taken before a task is, so the oldest tasks always have one.
 */
final class RolloutWorkers implements RolloutSource {
  private final Rollouts.Apart apart;
  private final DecoderTrainable policy;
  private final long seed;
  private final StepReader reader;
  private final List<Thread> threads = new ArrayList<>();
  private final BlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
  private final Semaphore places;

  /** Results of the steps that are under way, each in the order of its micro-batches. */
  private final Deque<List<CompletableFuture<Rollout>>> underWay = new ArrayDeque<>();

  private final Rollouts rollouts;
  private long begin = -1;

  /**
   * @param reader read ahead as many steps as rollouts may be old
   */
  RolloutWorkers(Rollouts rollouts, Rollouts.Apart apart, long seed, StepReader reader) {
    this.rollouts = rollouts;
    this.apart = apart;
    this.policy = new DecoderTrainable(rollouts.decoder());
    this.seed = seed;
    this.reader = reader;
    this.places = new Semaphore(apart.queue());
  }

  /** Parameters as they were after so many steps. */
  private record Version(long number, float[] parameters) {}

  /** A micro-batch to be sampled; without a version: the end. */
  private record Task(
      Version version, List<DatasetRow> rows, long seed, CompletableFuture<Rollout> result) {
    static final Task END = new Task(null, List.of(), 0, new CompletableFuture<>());
  }

  @Override
  public List<Rollout> of(long step, StepReader.Step batches) {
    Version version = new Version(step, policy.vectors().toArray(policy.parameters()));
    if (begin < 0) {
      begin = step;
      start();
      submit(step, batches, version);
      for (int distance = 1; distance < apart.staleness(); distance++) {
        submitAhead(step, distance, version);
      }
    }
    submitAhead(step, apart.staleness(), version);
    List<Rollout> taken = new ArrayList<>();
    for (CompletableFuture<Rollout> result : underWay.remove()) {
      taken.add(await(result));
      places.release();
    }
    return taken;
  }

  @Override
  public long staleness(long step) {
    return Math.min(step - begin, apart.staleness());
  }

  private void submitAhead(long step, int distance, Version version) {
    Optional<StepReader.Step> later = reader.peek(distance);
    later.ifPresent(batches -> submit(step + distance, batches, version));
  }

  private void submit(long step, StepReader.Step batches, Version version) {
    List<CompletableFuture<Rollout>> results = new ArrayList<>();
    for (int i = 0; i < batches.microBatches().size(); i++) {
      CompletableFuture<Rollout> result = new CompletableFuture<>();
      results.add(result);
      long place = RolloutSource.seed(seed, step, batches.firstLeaf() + i);
      tasks.add(new Task(version, batches.microBatches().get(i).rows(), place, result));
    }
    underWay.add(results);
  }

  private static Rollout await(CompletableFuture<Rollout> result) {
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      if (e.getCause() instanceof Error failure) {
        throw failure;
      }
      throw e;
    }
  }

  private void start() {
    for (Decoder decoder : apart.workers()) {
      Thread thread = new Thread(() -> serve(decoder), "rollout-" + (threads.size() + 1));
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  private void serve(Decoder decoder) {
    DecoderTrainable copy = new DecoderTrainable(decoder);
    RolloutMaker maker = rollouts.maker(decoder);
    long loaded = -1;
    while (true) {
      places.acquireUninterruptibly();
      Task task = take();
      if (task.version() == null) {
        return;
      }
      try {
        if (task.version().number() != loaded) {
          loaded = -1;
          copy.vectors().set(copy.parameters(), task.version().parameters());
          copy.parametersChanged();
          loaded = task.version().number();
        }
        task.result().complete(maker.sampleWithOpinions(task.rows(), task.seed()));
      } catch (RuntimeException | Error e) {
        task.result().completeExceptionally(e); // thrown where the rollout is taken
      }
    }
  }

  /** Nobody interrupts a worker: its engine would not know what to do with it. */
  private Task take() {
    try {
      return tasks.take();
    } catch (InterruptedException e) {
      throw new IllegalStateException("A rollout worker was interrupted", e);
    }
  }

  @Override
  public void close() {
    tasks.clear();
    for (int i = 0; i < threads.size(); i++) {
      tasks.add(Task.END);
    }
    places.release(threads.size());
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
