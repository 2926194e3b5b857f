package org.sparktune.trainer.collective;

import org.sparktune.trainer.memory.Tensor;

/** The collective of a run with one rank: every operation is over when it begins. */
public final class LocalCollective implements Collective {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public int ranks() {
    return 1;
  }

  @Override
  public boolean reaches(Tensor.Place place) {
    return true;
  }

  @Override
  public void beginStep(long step) {}

  @Override
  public Pending reduceScatter(Tensor bucket) {
    return Pending.DONE;
  }

  @Override
  public Pending allGather(Tensor bucket) {
    return Pending.DONE;
  }

  @Override
  public Pending allReduce(Tensor bucket) {
    return Pending.DONE;
  }

  @Override
  public Pending broadcast(Tensor bucket, int root) {
    return Pending.DONE;
  }

  @Override
  public void sum(long[] values) {}

  @Override
  public void barrier() {}

  @Override
  public void abort(String reason) {}

  @Override
  public void close() {}
}
