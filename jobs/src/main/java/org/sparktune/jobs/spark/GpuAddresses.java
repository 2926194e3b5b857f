package org.sparktune.jobs.spark;

import java.util.OptionalInt;
import org.apache.spark.resource.ResourceInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** The GPU of a task, where Spark schedules GPUs ({@code spark.task.resource.gpu.amount}). */
final class GpuAddresses {
  /** Spark's name of the resource. */
  static final String RESOURCE = "gpu";

  private static final Logger LOG = LoggerFactory.getLogger(GpuAddresses.class);

  private GpuAddresses() {}

  /**
   * The index of a task's GPU; a rank uses one.
   *
   * @param gpus what Spark gave to the task; null for nothing
   * @throws SparktuneException {@code UNSUPPORTED} for an address that is no index
   */
  static OptionalInt first(ResourceInformation gpus) {
    if (gpus == null || gpus.addresses().length == 0) {
      return OptionalInt.empty();
    }
    String[] addresses = gpus.addresses();
    if (addresses.length > 1) {
      LOG.warn("Of {} GPUs that this task was given, one is used", addresses.length);
    }
    try {
      return OptionalInt.of(Integer.parseUnsignedInt(addresses[0].strip()));
    } catch (NumberFormatException e) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "Spark gave this task the GPU '%s', which is no index.".formatted(addresses[0]),
          "Let the discovery script print indexes, such as 0, as Spark's own getGpusResources.sh does.",
          e);
    }
  }
}
