package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.scoring.TinyScorers;

/** A server started by the packaged launcher, and told to end. */
class ServeIT {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /** What Java ends with after SIGTERM. */
  private static final int TERMINATED = 143;

  @TempDir private Path folder;

  @Test
  void shouldServeUntilItIsToldToEnd() throws IOException, InterruptedException {
    TinyScorers.student(folder.resolve("student"));
    try (ChildProcess server =
        SparktuneScript.start(folder, Map.of(), "serve", "--model", "student", "--port", 0)) {
      Matcher listening =
          server.awaitLine(
              Pattern.compile("Listening at (http://\\S+) with the student"), PATIENCE);
      HttpResponse<String> response =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create(listening.group(1) + "/v1/score"))
                      .POST(HttpRequest.BodyPublishers.ofString("{\"text\": \"one\"}"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      assertEquals(200, response.statusCode(), response::body);
      assertTrue(response.body().contains("\"score\":"), response::body);
      server.terminate();
      assertEquals(TERMINATED, server.awaitEnd(PATIENCE), server::output);
      assertFalse(server.output().contains("Exception"), server::output);
    }
  }
}
