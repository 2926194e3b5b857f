package org.sparktune.trainer.collective.aeron;

/** How ranks reach each other. */
public enum Medium {
  /** Shared memory where two ranks see the same folder, UDP otherwise. */
  AUTO,
  /** Shared memory only: all ranks are on one host. */
  IPC,
  /** UDP even inside a host. */
  UDP
}
