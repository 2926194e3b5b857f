package org.sparktune.jobs.serve;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * The limits of a server.
 *
 * @param host address to listen at
 * @param port 0 for any that is free
 * @param queueDocuments that wait at most; more are refused with 429
 * @param batchDocuments that a worker takes at most at once
 * @param batchWaitMillis that it waits for so many, counted from the oldest one's arrival
 * @param timeoutMillis from a request's arrival to 504
 * @param maxBodyBytes of a request; larger ones get 413
 * @param receiveSeconds in which a request has to arrive, also a connection's next one
 * @param maxConnections at the same time; more are closed at once
 */
public record ServeOptions(
    String host,
    int port,
    int queueDocuments,
    int batchDocuments,
    int batchWaitMillis,
    int timeoutMillis,
    int maxBodyBytes,
    int receiveSeconds,
    int maxConnections) {

  /** What the command line begins with. */
  public static final ServeOptions DEFAULT =
      new ServeOptions("127.0.0.1", 8080, 1024, 1, 0, 10_000, 1 << 20, 30, 4096);

  /** Checks the numbers. */
  public ServeOptions {
    require(port >= 0 && port <= 65_535, "--port", port);
    require(queueDocuments > 0, "--queue", queueDocuments);
    require(batchDocuments > 0, "--batch-documents", batchDocuments);
    require(batchWaitMillis >= 0, "--batch-wait-ms", batchWaitMillis);
    require(timeoutMillis > 0, "--timeout-ms", timeoutMillis);
    require(maxBodyBytes > 0, "--max-body-bytes", maxBodyBytes);
    require(receiveSeconds > 0, "--receive-seconds", receiveSeconds);
    require(maxConnections > 0, "--max-connections", maxConnections);
  }

  private static void require(boolean right, String option, int value) {
    if (!right) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "%s is %d.".formatted(option, value),
          "See sparktune serve --help for what it may be.");
    }
  }
}
