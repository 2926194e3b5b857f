package org.sparktune.trainer.collective.aeron;

import io.aeron.Image;
import io.aeron.Subscription;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.FrameDescriptor;
import io.aeron.logbuffer.Header;
import java.security.MessageDigest;
import java.util.List;
import org.agrona.DirectBuffer;
import org.sparktune.trainer.memory.Memory;

/**
 * The stream of one lane from one peer. It may arrive by shared memory or by UDP; the first image
 * that proves itself is the peer's, from then on nothing else is read. Frames that are malformed,
 * of another run or attempt, or come before the proof are dropped and counted.
 */
final class Incoming implements ControlledFragmentHandler {
  /** Takes frames of this run from the peer. */
  @FunctionalInterface
  interface Sink {
    /**
     * Takes a frame.
     *
     * @param frame its address, valid during the call
     * @return false to leave it in the stream for later
     */
    boolean take(long frame);
  }

  private final List<Subscription> subscriptions;
  private final RunCodes codes;
  private final int peer;
  private final byte[] expectedProof;
  private final Tally tally;
  private Image image;
  private boolean proven;
  private Sink sink;

  /**
   * @param subscriptions where the stream may arrive
   * @param expectedProof what its first frame must hold
   */
  Incoming(
      List<Subscription> subscriptions,
      RunCodes codes,
      int peer,
      byte[] expectedProof,
      Tally tally) {
    this.subscriptions = List.copyOf(subscriptions);
    this.codes = codes;
    this.peer = peer;
    this.expectedProof = expectedProof.clone();
    this.tally = tally;
  }

  /** Whether the peer has proven itself. */
  boolean isProven() {
    return image != null;
  }

  /** Whether the stream has ended after it was proven. */
  boolean isClosed() {
    return image != null && image.isClosed();
  }

  /**
   * Reads what has arrived.
   *
   * @param limit most frames
   * @return frames read
   */
  int poll(Sink taker, int limit) {
    sink = taker;
    if (image != null) {
      return image.controlledPoll(this, limit);
    }
    int count = 0;
    for (int i = 0; i < subscriptions.size() && image == null; i++) {
      Subscription subscription = subscriptions.get(i);
      for (int k = 0; k < subscription.imageCount() && image == null; k++) {
        Image candidate = subscription.imageAtIndex(k);
        proven = false;
        count += candidate.controlledPoll(this, limit);
        image = proven ? candidate : null;
      }
    }
    return count;
  }

  @Override
  public Action onFragment(DirectBuffer buffer, int offset, int length, Header header) {
    long frame = buffer.addressOffset() + offset;
    boolean whole = (header.flags() & FrameDescriptor.UNFRAGMENTED) == FrameDescriptor.UNFRAGMENTED;
    if (!whole || !Frame.isWellFormed(frame, length)) {
      tally.count(Tally.Event.MALFORMED);
      return Action.CONTINUE;
    }
    if (!proven) {
      prove(frame);
      return Action.CONTINUE;
    }
    if (Frame.tag(frame) != codes.tag()
        || Frame.epoch(frame) != codes.epoch()
        || Frame.from(frame) != peer
        || Frame.type(frame) == FrameType.HELLO) {
      tally.count(Tally.Event.STALE);
      return Action.CONTINUE;
    }
    return sink.take(frame) ? Action.CONTINUE : Action.ABORT;
  }

  private void prove(long frame) {
    if (Frame.type(frame) == FrameType.HELLO
        && Frame.payloadLength(frame) == RunCodes.PROOF_BYTES
        && Frame.from(frame) == peer) {
      byte[] proof = new byte[RunCodes.PROOF_BYTES];
      Memory.copyToHeap(frame + Frame.HEADER_BYTES, proof, 0, proof.length);
      proven = MessageDigest.isEqual(proof, expectedProof);
    }
    if (!proven) {
      tally.count(Tally.Event.UNAUTHENTICATED);
    }
  }
}
