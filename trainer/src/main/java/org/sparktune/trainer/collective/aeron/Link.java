package org.sparktune.trainer.collective.aeron;

/**
 * The four streams between this rank and one peer, and what is known of the peer. Control frames
 * are dealt with here; data frames are the current exchange's.
 */
final class Link {
  private static final int CONTROL_FRAMES = 16;
  private static final Incoming.Sink NOT_YET = frame -> false;

  private final int peer;
  private final Outgoing control;
  private final Outgoing data;
  private final Incoming incomingControl;
  private final Incoming incomingData;
  private final Incoming.Sink controlSink = this::takeControl;

  private long dataFramesSent;
  private long dataFramesTaken;
  private long lastHeardNanos;
  private long lastSentNanos;
  private PeerFailure reported;
  private boolean abortPending;
  private long farewellFrames = -1;
  private boolean answerPending;
  private boolean farewellSent;
  private boolean farewellTaken;

  Link(int peer, Outgoing control, Outgoing data, Incoming incomingControl, Incoming incomingData) {
    this.peer = peer;
    this.control = control;
    this.data = data;
    this.incomingControl = incomingControl;
    this.incomingData = incomingData;
  }

  int peer() {
    return peer;
  }

  /** Introduces this rank and looks for the peer; returns whether both have happened. */
  boolean connect(long nowNanos) {
    boolean controls = control.introduce();
    boolean introduced = data.introduce() && controls;
    incomingControl.poll(controlSink, CONTROL_FRAMES);
    incomingData.poll(NOT_YET, 1);
    heard(nowNanos);
    return introduced && incomingControl.isProven() && incomingData.isProven();
  }

  /** Reads control frames; returns how many. */
  int pollControl(long nowNanos) {
    int count = incomingControl.poll(controlSink, CONTROL_FRAMES);
    if (count > 0) {
      heard(nowNanos);
    }
    return count;
  }

  /** Reads data frames for the current exchange; returns how many. */
  int pollData(Incoming.Sink sink, int limit, long nowNanos) {
    int count = incomingData.poll(sink, limit);
    if (count > 0) {
      heard(nowNanos);
    }
    return count;
  }

  /** Most payload bytes of a data frame. */
  int maxPayload() {
    return data.maxPayload();
  }

  /** See {@link Outgoing#claim}. */
  long claimData(int payloadLength) {
    return data.claim(FrameType.DATA, payloadLength);
  }

  /** Sends the claimed data frame. */
  void commitData() {
    data.commit();
    dataFramesSent++;
  }

  /** A data frame was read for good. */
  void dataTaken() {
    dataFramesTaken++;
  }

  /** Forgives the peer a silence during which this rank itself did not run. */
  void forgive(long nanos) {
    lastHeardNanos += nanos;
  }

  long silenceNanos(long nowNanos) {
    return nowNanos - lastHeardNanos;
  }

  /** Whether the streams ended without a farewell. */
  boolean isBroken() {
    return !hasLeft()
        && (incomingControl.isClosed()
            || incomingData.isClosed()
            || control.isClosed()
            || data.isClosed());
  }

  /** Whether the peer has said that it closes. */
  boolean hasLeft() {
    return farewellFrames >= 0;
  }

  /** Whether the peer closes and everything it sent has been read. */
  boolean isExhausted() {
    return hasLeft() && dataFramesTaken >= farewellFrames;
  }

  /** What the peer has told of the run's end, or null. */
  PeerFailure reported() {
    return reported;
  }

  /** Passes a failure on as soon as there is room. */
  void announce() {
    abortPending = true;
  }

  /** Whether an announcement is still waiting for room. */
  boolean isAnnouncing() {
    return abortPending && !control.isClosed();
  }

  /** Sends what control frames are due. */
  void sendControl(long nowNanos, long heartbeatNanos, long step, PeerFailure failure) {
    if (abortPending && sendAbort(failure)) {
      abortPending = false;
      lastSentNanos = nowNanos;
    }
    if (isExhausted() && answerPending && send(FrameType.FAREWELL_TAKEN, step, 0)) {
      answerPending = false;
    }
    if (nowNanos - lastSentNanos >= heartbeatNanos && send(FrameType.HEARTBEAT, step, 0)) {
      lastSentNanos = nowNanos;
    }
  }

  /**
   * Says that this rank closes; returns whether the peer has taken everything, or is closing
   * without having taken it.
   */
  boolean leave(long step) {
    if (!farewellSent) {
      farewellSent = send(FrameType.FAREWELL, step, dataFramesSent);
    }
    return farewellTaken || incomingControl.isClosed() || control.isClosed();
  }

  private boolean send(FrameType type, long step, long offset) {
    long frame = control.claim(type, 0);
    if (frame == Outgoing.NO_ROOM) {
      return false;
    }
    Frame.writeStep(frame, step);
    Frame.writeOffset(frame, offset);
    control.commit();
    return true;
  }

  private boolean sendAbort(PeerFailure failure) {
    byte[] reason = failure.reasonBytes(control.maxPayload());
    long frame = control.claim(FrameType.ABORT, PeerFailure.payloadLength(reason));
    if (frame == Outgoing.NO_ROOM) {
      return false;
    }
    failure.write(frame + Frame.HEADER_BYTES, reason);
    control.commit();
    return true;
  }

  private boolean takeControl(long frame) {
    switch (Frame.type(frame)) {
      case ABORT ->
          reported = PeerFailure.read(frame + Frame.HEADER_BYTES, Frame.payloadLength(frame));
      case FAREWELL -> {
        farewellFrames = Frame.offset(frame);
        answerPending = true;
      }
      case FAREWELL_TAKEN -> farewellTaken = true;
      case HEARTBEAT, HELLO, DATA -> {}
    }
    return true;
  }

  private void heard(long nowNanos) {
    lastHeardNanos = nowNanos;
  }
}
