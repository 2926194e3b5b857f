package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;

/** Times queued work with the device's own events. */
public final class Stopwatch implements AutoCloseable {
  private final Device device;
  private final CUevent_st start = new CUevent_st();
  private final CUevent_st stop = new CUevent_st();

  /** Takes two events. */
  public Stopwatch(Device device) {
    this.device = device;
    Cuda.check(cudart.cuEventCreate(start, 0), "cuEventCreate");
    Cuda.check(cudart.cuEventCreate(stop, 0), "cuEventCreate");
  }

  /** Begins where the queue ends now. */
  public void start() {
    Cuda.check(cudart.cuEventRecord(start, device.stream()), "cuEventRecord");
  }

  /** Ends where the queue ends now, without waiting. */
  public void end() {
    Cuda.check(cudart.cuEventRecord(stop, device.stream()), "cuEventRecord");
  }

  /** Milliseconds between {@link #start} and {@link #end}; waits for the work in between. */
  public float milliseconds() {
    Cuda.check(cudart.cuEventSynchronize(stop), "work on the GPU");
    float[] milliseconds = new float[1];
    Cuda.check(cudart.cuEventElapsedTime(milliseconds, start, stop), "cuEventElapsedTime");
    return milliseconds[0];
  }

  /** Milliseconds that the work queued since {@link #start} takes; waits for it. */
  public float stop() {
    end();
    return milliseconds();
  }

  @Override
  public void close() {
    cudart.cuEventDestroy(start);
    cudart.cuEventDestroy(stop);
  }
}
