package org.sparktune.jobs.serve;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;

/**
 * Lets score requests in while the server is open and its queue has room, and knows when the last
 * of them has been answered.
 */
final class Admission {
  private static final String RETRY_AFTER = "Retry-After";

  private final ScoreQueue queue;
  private final String model;
  private final IntSupplier connections;
  private final AtomicInteger inside = new AtomicInteger();
  private final CountDownLatch empty = new CountDownLatch(1);
  private volatile boolean draining;

  /**
   * @param model what it is, in words
   * @param connections that are open
   */
  Admission(ScoreQueue queue, String model, IntSupplier connections) {
    this.queue = queue;
    this.model = model;
    this.connections = connections;
  }

  /** A request comes in, unless the server is to end; it leaves when its answer is written. */
  boolean enter() {
    inside.incrementAndGet();
    if (draining) {
      leave();
      return false;
    }
    return true;
  }

  void leave() {
    if (inside.decrementAndGet() == 0 && draining) {
      empty.countDown();
    }
  }

  /** Queues a request, or answers why not. */
  void submit(ScoreRequest request, int documents, long arrivalNanos) {
    if (documents > queue.capacity()) {
      request.answer(
          Reply.error(
              HttpResponseStatus.BAD_REQUEST,
              "There are %d inputs, more than the %d that can wait."
                  .formatted(documents, queue.capacity())));
      return;
    }
    List<ScoreRequest.Document> all = new ArrayList<>(documents);
    for (int i = 0; i < documents; i++) {
      all.add(new ScoreRequest.Document(request, i, arrivalNanos));
    }
    if (!queue.offer(all)) {
      request.answer(
          Reply.error(
                  HttpResponseStatus.TOO_MANY_REQUESTS,
                  "%d documents wait already.".formatted(queue.size()))
              .with(RETRY_AFTER, "1"));
    }
  }

  /** Lets nobody in any more. */
  void drain() {
    draining = true;
    if (inside.get() == 0) {
      empty.countDown();
    }
  }

  boolean isDraining() {
    return draining;
  }

  /** Waits until the last request has left, after {@link #drain}. */
  void awaitEmpty() throws InterruptedException {
    empty.await();
  }

  Reply health() {
    if (draining) {
      return Reply.json(
          HttpResponseStatus.SERVICE_UNAVAILABLE, Map.of("status", "draining", "model", model));
    }
    return Reply.json(HttpResponseStatus.OK, Map.of("status", "ready", "model", model));
  }

  static Reply draining() {
    return Reply.error(HttpResponseStatus.SERVICE_UNAVAILABLE, "The server is about to end.")
        .with(RETRY_AFTER, "1");
  }

  /** What is so now. */
  Map<String, Integer> gauges() {
    Map<String, Integer> gauges = new LinkedHashMap<>();
    gauges.put("sparktune_queue_documents", queue.size());
    gauges.put("sparktune_queue_capacity_documents", queue.capacity());
    gauges.put("sparktune_requests_in_flight", inside.get());
    gauges.put("sparktune_connections", connections.getAsInt());
    gauges.put("sparktune_ready", draining ? 0 : 1);
    return gauges;
  }
}
