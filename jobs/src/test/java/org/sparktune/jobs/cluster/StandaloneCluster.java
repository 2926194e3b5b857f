package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A standalone Spark cluster on this machine: a master and workers, each a process; a worker starts
 * executors, which are processes too. Closing it ends them all.
 */
public final class StandaloneCluster implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(90);
  private static final Pattern MASTER_URL =
      Pattern.compile("Starting Spark master at (spark://\\S+)");
  private static final Pattern REGISTERED =
      Pattern.compile("Successfully registered with master spark://");

  private final Path folder;
  private final String masterUrl;
  private final List<ChildProcess> processes;

  private StandaloneCluster(Path folder, String masterUrl, List<ChildProcess> processes) {
    this.folder = folder;
    this.masterUrl = masterUrl;
    this.processes = processes;
  }

  /**
   * Starts a cluster and waits until its workers have registered.
   *
   * @param folder the workers' folder, where every executor leaves its {@code stdout} and {@code
   *     stderr}
   * @param workers how many
   * @param coresPerWorker cores that each offers
   * @param mebibytesPerWorker memory that each offers to executors' heaps
   */
  public static StandaloneCluster start(
      TestSparkHome home, Path folder, int workers, int coresPerWorker, int mebibytesPerWorker)
      throws IOException {
    List<ClusterHost> hosts = Collections.nCopies(workers, ClusterHost.LOCAL);
    return start(home, folder, hosts, coresPerWorker, mebibytesPerWorker);
  }

  /**
   * Starts a cluster on several hosts.
   *
   * @param hosts one a worker; the master is on the first
   */
  public static StandaloneCluster start(
      TestSparkHome home,
      Path folder,
      List<ClusterHost> hosts,
      int coresPerWorker,
      int mebibytesPerWorker)
      throws IOException {
    Files.createDirectories(folder);
    List<ChildProcess> processes = new ArrayList<>();
    try {
      ChildProcess master =
          home.start(
              "master",
              hosts.get(0),
              "org.apache.spark.deploy.master.Master",
              List.of("--host", hosts.get(0).address(), "--port", "0", "--webui-port", "0"));
      processes.add(master);
      String url = master.awaitLine(MASTER_URL, START).group(1);
      for (int i = 0; i < hosts.size(); i++) {
        processes.add(
            home.start(
                "worker " + i,
                hosts.get(i),
                "org.apache.spark.deploy.worker.Worker",
                List.of(
                    "--host",
                    hosts.get(i).address(),
                    "--port",
                    "0",
                    "--webui-port",
                    "0",
                    "--cores",
                    Integer.toString(coresPerWorker),
                    "--memory",
                    mebibytesPerWorker + "m",
                    "--work-dir",
                    folder.resolve("worker-" + i).toString(),
                    url)));
      }
      StandaloneCluster cluster = new StandaloneCluster(folder, url, processes);
      for (ChildProcess worker : cluster.workers()) {
        worker.awaitLine(REGISTERED, START);
      }
      return cluster;
    } catch (IOException | RuntimeException | Error e) {
      processes.forEach(ChildProcess::close);
      throw e;
    }
  }

  /** What {@code --master} is given. */
  public String masterUrl() {
    return masterUrl;
  }

  /** The workers, in the order of their folders. */
  public List<ChildProcess> workers() {
    return processes.subList(1, processes.size());
  }

  /** The executors that run now. */
  public List<ProcessHandle> executors() {
    List<ProcessHandle> executors = new ArrayList<>();
    for (ChildProcess worker : workers()) {
      executors.addAll(SparktuneProcess.executors(worker));
    }
    return executors;
  }

  /** What all executors wrote to standard error, those that have ended too. */
  public String executorLogs() throws IOException {
    StringBuilder logs = new StringBuilder();
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(path -> path.endsWith("stderr")).sorted().toList()) {
        logs.append(file).append(":\n").append(Files.readString(file));
      }
    }
    return logs.toString();
  }

  @Override
  public void close() {
    // Workers first: they end their executors.
    for (int i = processes.size() - 1; i >= 0; i--) {
      processes.get(i).close();
    }
  }
}
