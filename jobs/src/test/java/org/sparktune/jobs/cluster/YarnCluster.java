package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/**
 * A YARN of one resource manager and two node managers, in a process of its own. Containers are
 * processes too.
 */
public final class YarnCluster implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(90);
  private static final String READY = "YARN is ready";
  private static final int NODES = 2;
  private static final int NODE_MEBIBYTES = 2560;

  private final ChildProcess process;
  private final Path configuration;

  private YarnCluster(ChildProcess process, Path configuration) {
    this.process = process;
    this.configuration = configuration;
  }

  /**
   * Starts it.
   *
   * @param folder where its files are
   */
  static YarnCluster start(TestSparkHome home, Path folder) throws IOException {
    Path configuration = Files.createDirectories(folder.resolve("conf"));
    List<String> command = new ArrayList<>(List.of(ChildProcess.java(), "-Xmx512m"));
    command.addAll(TestSparkHome.javaOptions());
    command.addAll(
        List.of(
            "-cp",
            TestSparkHome.testClassPath(),
            YarnCluster.class.getName(),
            configuration.toString()));
    ChildProcess process = ChildProcess.start("yarn", folder, home.environment(), command);
    try {
      process.awaitLine(Pattern.compile(READY), START);
      return new YarnCluster(process, configuration);
    } catch (RuntimeException | Error e) {
      process.close();
      throw e;
    }
  }

  /** What HADOOP_CONF_DIR is set to. */
  Path configuration() {
    return configuration;
  }

  /** The containers of executors that run now. */
  List<ProcessHandle> executors() {
    return SparktuneProcess.executors(process);
  }

  @Override
  public void close() {
    process.close();
  }

  /** The cluster's own process: writes the configuration of its clients and stays until killed. */
  public static void main(String[] arguments) throws Exception {
    YarnConfiguration settings = new YarnConfiguration();
    settings.set("fs.defaultFS", "file:///");
    settings.setBoolean(YarnConfiguration.NM_VMEM_CHECK_ENABLED, false);
    settings.setBoolean(YarnConfiguration.NM_PMEM_CHECK_ENABLED, false);
    settings.setInt(YarnConfiguration.YARN_MINICLUSTER_NM_PMEM_MB, NODE_MEBIBYTES);
    settings.setInt(YarnConfiguration.RM_SCHEDULER_MINIMUM_ALLOCATION_MB, 512);
    settings.setFloat(
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", 100);
    settings.set("yarn.scheduler.capacity.root.queues", "default");
    settings.setInt("yarn.scheduler.capacity.root.default.capacity", 100);
    settings.setFloat("yarn.scheduler.capacity.maximum-am-resource-percent", 1);
    MiniYARNCluster cluster = new MiniYARNCluster("yarn", NODES, 1, 1);
    cluster.init(settings);
    cluster.start();
    try (OutputStream out = Files.newOutputStream(Path.of(arguments[0]).resolve("yarn-site.xml"))) {
      Configuration clients = cluster.getConfig();
      clients.writeXml(out);
    }
    System.out.println(READY);
    Thread.currentThread().join();
  }
}
