package org.sparktune.trainer.dl4j;

import java.util.function.Supplier;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * Lets ND4J compute on the calling thread alone. Its native library divides every operation among
 * all cores, which takes a small network several times as long as computing it: threads that wait
 * for each other spin.
 *
 * <p>One of its two switches belongs to the process: it is back as it was when the last of those
 * that work so at the same time has ended.
 */
public final class NativeThreads {
  private static int working;
  private static int masterThreads;

  private NativeThreads() {}

  /** Does work on one thread. */
  public static <T> T one(Supplier<T> work) {
    enter();
    NativeOps natives = NativeOpsHolder.getInstance().getDeviceNativeOps();
    int before = natives.ompGetMaxThreads();
    natives.setOmpNumThreads(1);
    try {
      return work.get();
    } finally {
      natives.setOmpNumThreads(before);
      leave();
    }
  }

  private static synchronized void enter() {
    if (working++ == 0) {
      masterThreads = Nd4j.getEnvironment().maxMasterThreads();
      Nd4j.getEnvironment().setMaxMasterThreads(1);
    }
  }

  private static synchronized void leave() {
    if (--working == 0) {
      Nd4j.getEnvironment().setMaxMasterThreads(masterThreads);
    }
  }
}
