package org.sparktune.trainer.collective.aeron;

/** The collective operations; the wire carries the code, so that a mismatch is noticed. */
enum OperationKind {
  REDUCE_SCATTER(0, "reduce-scatter"),
  ALL_GATHER(1, "all-gather"),
  ALL_REDUCE(2, "all-reduce"),
  BROADCAST(3, "broadcast"),
  SUM(4, "sum");

  private static final OperationKind[] KINDS = values();

  private final int code;
  private final String text;

  OperationKind(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** What stands on the wire. */
  int code() {
    return code;
  }

  /** What a wire code means, for messages. */
  static String describe(int code) {
    int kind = code & 0xff;
    return kind < KINDS.length ? KINDS[kind].text : "unknown operation " + kind;
  }
}
