package org.sparktune.jobs.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.jobs.spark.SparkSettings;
import picocli.CommandLine.Option;

/** Where Spark runs. */
final class SparkOptions {
  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark's master: local[*] (default), yarn, k8s://…, spark://….")
  private String master;

  @Option(names = "--conf", paramLabel = "KEY=VALUE", description = "A Spark setting, repeatable.")
  private Map<String, String> configuration = new LinkedHashMap<>();

  SparkSettings settings() {
    return new SparkSettings(master, configuration);
  }
}
