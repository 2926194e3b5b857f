package org.sparktune.trainer.collective.aeron;

/** The two streams from one rank to another. */
enum Lane {
  /** Heartbeats, aborts and farewells; always read at once, so that data never hides them. */
  CONTROL(0),
  /** Elements, read when the operation they belong to is due: until then they fill the stream. */
  DATA(1);

  private final int code;

  Lane(int code) {
    this.code = code;
  }

  /** Tells the streams' ids apart. */
  int code() {
    return code;
  }
}
