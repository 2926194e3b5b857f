package org.sparktune.jobs.cli;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Locale;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.scoring.ScoringModel;
import org.sparktune.jobs.serve.ScoreServer;
import org.sparktune.jobs.serve.ServeOptions;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.trainer.engine.choice.Engines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Scores over HTTP until it is told to end. */
@Command(
    name = "serve",
    description = {
      "Score texts and conversations over HTTP with a reward model or a student.",
      "POST /v1/score takes a record as training does, such as {\"text\": …}, {\"messages\": […]} or",
      "{\"prompt\": …, \"response\": …}, or many as {\"inputs\": […]}. GET /health and /metrics.",
      "SIGTERM or Ctrl-C ends it when all that was accepted has been answered."
    })
final class ServeCommand extends BaseCommand {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = {
        "A student's folder, or the folder or adapter of a reward model, here or at a URI such as",
        "hdfs://…."
      })
  private String model;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address to listen at (default ${DEFAULT-VALUE}); 0.0.0.0 for all.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "Port to listen at (default ${DEFAULT-VALUE}); 0 for any that is free.")
  private int port;

  @Option(
      names = "--queue",
      paramLabel = "N",
      defaultValue = "1024",
      description = "Documents that may wait (default ${DEFAULT-VALUE}); more get 429.")
  private int queueDocuments;

  @Option(
      names = "--batch-documents",
      paramLabel = "N",
      defaultValue = "1",
      description = {
        "Documents of a pass (default ${DEFAULT-VALUE}). More are faster for a reward model on a GPU;",
        "its scores may then differ in the last bits with what else is asked. A student's never do."
      })
  private int batchDocuments;

  @Option(
      names = "--batch-wait-ms",
      paramLabel = "N",
      defaultValue = "0",
      description = "How long a document waits for others (default ${DEFAULT-VALUE}).")
  private int batchWaitMillis;

  @Option(
      names = "--timeout-ms",
      paramLabel = "N",
      defaultValue = "10000",
      description = "A request that takes longer gets 504 (default ${DEFAULT-VALUE}).")
  private int timeoutMillis;

  @Option(
      names = "--max-body-bytes",
      paramLabel = "N",
      defaultValue = "1048576",
      description = "A larger body gets 413 (default ${DEFAULT-VALUE}).")
  private int maxBodyBytes;

  @Option(
      names = "--receive-seconds",
      paramLabel = "N",
      defaultValue = "30",
      description = {
        "In which a client has to send its next request (default ${DEFAULT-VALUE}); then the",
        "connection is closed."
      })
  private int receiveSeconds;

  @Option(
      names = "--max-connections",
      paramLabel = "N",
      defaultValue = "4096",
      description = "More are closed at once (default ${DEFAULT-VALUE}).")
  private int maxConnections;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "4096",
      description = {
        "The longest document for a reward model, if it reads so many (default ${DEFAULT-VALUE})."
      })
  private int maxTokens;

  @Option(
      names = "--append-eos",
      description = {
        "End plain text for a reward model with the end-of-sequence token, as training does. A",
        "student knows by itself."
      })
  private boolean appendEos;

  @Option(
      names = "--precision",
      paramLabel = "WORD",
      defaultValue = "fp32",
      description = "Of a reward model: fp32 (default), bf16, or auto.")
  private ModelOptions.Precision precision;

  ServeCommand(Console console) {
    super(console);
  }

  @Override
  void run() throws InterruptedException {
    ServeOptions options =
        new ServeOptions(
            host,
            port,
            queueDocuments,
            batchDocuments,
            batchWaitMillis,
            timeoutMillis,
            maxBodyBytes,
            receiveSeconds,
            maxConnections);
    if (maxTokens < 1) {
      throw new SparktuneException(
          ErrorCode.USAGE, "--max-tokens is %d.".formatted(maxTokens), "Give 1 or more.");
    }
    Path path = ModelLocations.adapter(console().location(model), HadoopSettings.here());
    try (ScoringModel loaded = ScoringModel.open(path, modelOptions());
        ScoreServer server = ScoreServer.start(loaded, options)) {
      GracefulStop.install(
          console().err(), "Stopping; what was accepted is answered first.", server::drain);
      InetSocketAddress address = server.address();
      console()
          .out()
          .printf(
              "Listening at http://%s:%d with the %s %s%n",
              address.getHostString(), address.getPort(), loaded.kind(), path);
      server.awaitDrained();
    }
  }

  private ScoringModel.Options modelOptions() {
    return new ScoringModel.Options(
        Engines.PrecisionChoice.valueOf(precision.name().toUpperCase(Locale.ROOT)),
        appendEos,
        maxTokens,
        batchDocuments);
  }
}
