package org.sparktune.jobs.serve;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

/** A request whose documents are scored one after the other or at once, and answered once. */
final class ScoreRequest {
  private final Body body;
  private final Consumer<Reply> answer;
  private final AtomicReferenceArray<Scored> scored;
  private final AtomicInteger missing;
  private final AtomicBoolean answered = new AtomicBoolean();

  /**
   * What a request asks for.
   *
   * @param records at least one, JSON values
   * @param single whether it was no list
   */
  record Body(List<Object> records, boolean single) {}

  /** What is said of a document; without an uncertainty where one head scores. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Scored(
      @JsonProperty("score") double score,
      @JsonProperty("uncertainty") Double uncertainty,
      @JsonProperty("tokens") int tokens,
      @JsonProperty("truncated") boolean truncated) {}

  /** One of a request's documents, waiting. */
  record Document(ScoreRequest request, int index, long arrivalNanos) {
    Object record() {
      return request.body.records().get(index);
    }
  }

  /**
   * @param answer is called once, on any thread
   */
  ScoreRequest(Body body, Consumer<Reply> answer) {
    this.body = body;
    this.answer = answer;
    this.scored = new AtomicReferenceArray<>(body.records().size());
    this.missing = new AtomicInteger(body.records().size());
  }

  /** Whether nobody waits for it any more. */
  boolean isAnswered() {
    return answered.get();
  }

  /** A document was scored; the last one answers the request. */
  void scored(int index, Scored result) {
    scored.set(index, result);
    if (missing.decrementAndGet() > 0) {
      return;
    }
    if (body.single()) {
      answer(Reply.json(HttpResponseStatus.OK, scored.get(0)));
      return;
    }
    Scored[] results = new Scored[scored.length()];
    for (int i = 0; i < results.length; i++) {
      results[i] = scored.get(i);
    }
    answer(Reply.json(HttpResponseStatus.OK, Map.of("results", results)));
  }

  /** A document cannot be scored, so the request is not answered with scores. */
  void refused(int index, String why) {
    String which = body.single() ? "The input" : "inputs[%d]".formatted(index);
    answer(
        Reply.error(
            HttpResponseStatus.BAD_REQUEST, "%s cannot be scored: %s.".formatted(which, why)));
  }

  /** Answers unless that was done. */
  void answer(Reply reply) {
    if (answered.compareAndSet(false, true)) {
      answer.accept(reply);
    }
  }
}
