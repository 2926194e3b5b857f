package org.sparktune.trainer.collective.aeron;

/** What a frame is for; the wire carries the code. */
enum FrameType {
  /** The first of a stream; payload: the proof. */
  HELLO(0),
  /** Elements of an exchange. */
  DATA(1),
  /** The sender is alive. */
  HEARTBEAT(2),
  /** The run is over; payload: lost rank, its step, why. */
  ABORT(3),
  /** The sender closes; the offset says how many data frames it has sent. */
  FAREWELL(4),
  /** The answer to a farewell: all those frames were taken. */
  FAREWELL_TAKEN(5);

  private static final FrameType[] TYPES = values();

  private final int code;

  FrameType(int code) {
    this.code = code;
  }

  /** What stands on the wire. */
  int code() {
    return code;
  }

  /** The type of a wire code, or null. */
  static FrameType of(int code) {
    return code >= 0 && code < TYPES.length ? TYPES[code] : null;
  }
}
