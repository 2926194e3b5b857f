package org.sparktune.jobs.serve;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.jobs.scoring.ScoringModel;
import org.sparktune.jobs.training.DocumentScore;
import org.sparktune.pipeline.sample.RejectException;

/** Threads that tokenize and score what waits in the queue. */
final class Workers {
  private static final Logger LOG = LoggerFactory.getLogger(Workers.class);

  private final ScoringModel model;
  private final ScoreQueue queue;
  private final ServeOptions options;
  private final ServeMetrics metrics;
  private final List<Thread> threads = new ArrayList<>();

  Workers(ScoringModel model, ScoreQueue queue, ServeOptions options, ServeMetrics metrics) {
    this.model = model;
    this.queue = queue;
    this.options = options;
    this.metrics = metrics;
  }

  void start() {
    for (int i = 0; i < model.parallelism(); i++) {
      Thread thread = new Thread(this::work, "score-" + i);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  /** Waits until all have ended, after the queue was closed. */
  void join() throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private void work() {
    long waitNanos = TimeUnit.MILLISECONDS.toNanos(options.batchWaitMillis());
    try {
      while (true) {
        List<ScoreRequest.Document> batch = queue.take(options.batchDocuments(), waitNanos);
        if (batch.isEmpty()) {
          return;
        }
        score(batch);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void score(List<ScoreRequest.Document> batch) {
    try {
      List<ScoreRequest.Document> readable = new ArrayList<>(batch.size());
      List<int[]> ids = new ArrayList<>(batch.size());
      List<Boolean> truncated = new ArrayList<>(batch.size());
      for (ScoreRequest.Document document : batch) {
        try {
          ScoringModel.Encoded encoded = model.encode(document.record());
          readable.add(document);
          ids.add(encoded.ids());
          truncated.add(encoded.truncated());
        } catch (RejectException e) {
          document.request().refused(document.index(), e.getMessage());
        }
      }
      if (readable.isEmpty()) {
        return;
      }
      List<DocumentScore> scores = model.scores(ids);
      metrics.batch(ids);
      for (int i = 0; i < scores.size(); i++) {
        answer(readable.get(i), scores.get(i), ids.get(i).length, truncated.get(i));
      }
    } catch (RuntimeException | Error e) {
      // A worker outlives what it fails at: others wait.
      LOG.error("{} documents could not be scored", batch.size(), e);
      for (ScoreRequest.Document document : batch) {
        document
            .request()
            .answer(
                Reply.error(
                    HttpResponseStatus.INTERNAL_SERVER_ERROR,
                    "The model failed; the server's log says more."));
      }
    }
  }

  private static void answer(
      ScoreRequest.Document document, DocumentScore score, int tokens, boolean truncated) {
    if (Double.isFinite(score.value())) {
      document
          .request()
          .scored(
              document.index(),
              new ScoreRequest.Scored(score.value(), score.uncertainty(), tokens, truncated));
    } else {
      document
          .request()
          .answer(
              Reply.error(
                  HttpResponseStatus.INTERNAL_SERVER_ERROR,
                  "The model gives inputs[%d] the score %s."
                      .formatted(document.index(), score.value())));
    }
  }
}
