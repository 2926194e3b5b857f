package org.sparktune.trainer.engine.cpu.vector;

import jdk.incubator.vector.FloatVector;

/** The vector width in use. */
public final class Lanes {
  private Lanes() {}

  /** How many floats one vector holds on this machine. */
  public static int count() {
    return FloatVector.SPECIES_PREFERRED.length();
  }
}
