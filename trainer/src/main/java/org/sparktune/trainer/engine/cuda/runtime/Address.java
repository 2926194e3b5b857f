package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.javacpp.Pointer;

/** A pointer that is set anew for every call, so that a launch makes no objects. */
final class Address extends Pointer {
  Address() {
    super((Pointer) null);
  }

  /** Points elsewhere; returns itself. */
  Address at(long newAddress) {
    address = newAddress;
    return this;
  }
}
