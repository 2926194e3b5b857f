package org.sparktune.jobs.spark;

import java.io.IOException;
import java.util.Map;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.Headquarters;
import org.sparktune.jobs.ranks.Order;
import org.sparktune.jobs.ranks.RunHub;

/**
 * Brings the ranks' reports to the driver over Spark's own connections, which exist, are
 * authenticated and pass every firewall that Spark passes. {@code spark.plugins} names this class.
 */
public final class RankPlugin implements SparkPlugin {
  private static volatile PluginContext executor;

  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() {
      @Override
      public Object receive(Object message) {
        return RunHub.receive((String) message).name();
      }
    };
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void init(PluginContext context, Map<String, String> extraConfiguration) {
        executor = context;
      }
    };
  }

  /**
   * The driver of a run, from one of its tasks.
   *
   * @throws SparktuneException {@code UNSUPPORTED} if Spark was started without this plugin
   */
  static Headquarters driver(String runId) {
    if (RunHub.isHere(runId)) {
      return RunHub::receive;
    }
    PluginContext context = executor;
    if (context == null) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "This Spark session was started without sparktune's plugin, so executors cannot report to the driver.",
          "Start it with --conf spark.plugins=%s.".formatted(RankPlugin.class.getName()));
    }
    return report -> ask(context, report);
  }

  private static Order ask(PluginContext context, String report) throws IOException {
    try {
      return Order.valueOf((String) context.ask(report));
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      // Spark declares nothing and throws what its connections throw, checked or not.
      throw new IOException("The driver could not be asked", e);
    }
  }
}
