package org.sparktune.jobs.spark;

import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.sparktune.jobs.ranks.Peers;

/** The tasks of a barrier stage as ranks; a message takes about a second. */
public final class BarrierPeers implements Peers {
  private final BarrierTaskContext task;

  /** The tasks of a barrier stage, as one of them sees them. */
  public BarrierPeers(BarrierTaskContext task) {
    this.task = task;
  }

  @Override
  public int rank() {
    return task.partitionId();
  }

  @Override
  public int ranks() {
    return task.getTaskInfos().length;
  }

  @Override
  public List<String> exchange(String message) {
    return List.of(task.allGather(message));
  }
}
