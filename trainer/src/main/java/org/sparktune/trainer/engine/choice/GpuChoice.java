package org.sparktune.trainer.engine.choice;

import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Which GPU of its host a rank computes on.
 *
 * @param given the index that the cluster gave to this rank, as its process counts GPUs; empty
 *     where it gives none
 * @param rankOnHost how many ranks of lower number are on the host
 */
public record GpuChoice(OptionalInt given, int rankOnHost) {
  /** A process that has the host for itself. */
  public static final GpuChoice ALONE = new GpuChoice(OptionalInt.empty(), 0);

  /**
   * The index of the GPU: the one that was given, else the one that {@code -Dsparktune.gpu} names,
   * else the ranks of a host take them in turn.
   *
   * @param gpus how many the process sees
   * @throws SparktuneException {@code RESOURCES} when the given one is not there
   */
  public int index(int gpus) {
    if (given.isPresent() && given.getAsInt() >= gpus) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "GPU %d was given to this rank, but its process sees %d GPUs."
              .formatted(given.getAsInt(), gpus),
          "Let spark.worker.resource.gpu.discoveryScript print the indexes that executors see.");
    }
    int inTurn = rankOnHost % Math.max(1, gpus);
    return given.isPresent() ? given.getAsInt() : Integer.getInteger("sparktune.gpu", inTurn);
  }

  @Override
  public String toString() {
    return given.isPresent()
        ? "GPU %d, given by the cluster".formatted(given.getAsInt())
        : "GPU number %d modulo those of the host".formatted(rankOnHost);
  }
}
