package org.sparktune.jobs.serve;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** What a server has done, in Prometheus's text format. Safe for use by many threads. */
final class ServeMetrics {
  static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final Map<String, LongAdder> requests = new ConcurrentSkipListMap<>();
  private final LongAdder documents = new LongAdder();
  private final LongAdder tokens = new LongAdder();
  private final Histogram latency =
      new Histogram(
          "sparktune_request_seconds",
          "From a score request's arrival to its answer.",
          0.0005,
          0.001,
          0.0025,
          0.005,
          0.01,
          0.025,
          0.05,
          0.1,
          0.25,
          0.5,
          1,
          2.5,
          5,
          10);
  private final Histogram batches =
      new Histogram(
          "sparktune_batch_documents", "Documents of a pass.", 1, 2, 4, 8, 16, 32, 64, 128);

  /** A request was answered. */
  void answered(String path, int code) {
    String labels = "{path=\"%s\",code=\"%d\"}".formatted(path, code);
    requests.computeIfAbsent(labels, key -> new LongAdder()).increment();
  }

  /** A score request took so long. */
  void took(long nanos) {
    latency.observe(nanos * 1e-9);
  }

  /** Documents were scored together. */
  void batch(List<int[]> ids) {
    batches.observe(ids.size());
    documents.add(ids.size());
    for (int[] document : ids) {
      tokens.add(document.length);
    }
  }

  /**
   * All figures.
   *
   * @param gauges name to value of what is so now
   */
  String text(Map<String, Integer> gauges) {
    StringBuilder out = new StringBuilder();
    String name = "sparktune_requests_total";
    out.append("# HELP %s Answered requests.\n# TYPE %s counter\n".formatted(name, name));
    requests.forEach((labels, count) -> out.append(name + labels + " " + count.sum() + "\n"));
    counter(out, "sparktune_documents_total", "Scored documents.", documents.sum());
    counter(out, "sparktune_tokens_total", "Tokens of scored documents.", tokens.sum());
    latency.write(out);
    batches.write(out);
    gauges.forEach(
        (gauge, value) -> out.append("# TYPE %s gauge\n%s %d\n".formatted(gauge, gauge, value)));
    return out.toString();
  }

  private static void counter(StringBuilder out, String name, String help, long value) {
    out.append("# HELP %s %s\n# TYPE %s counter\n".formatted(name, help, name));
    out.append("%s %d\n".formatted(name, value));
  }
}
