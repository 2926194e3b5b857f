package org.sparktune.trainer.collective.aeron;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import org.sparktune.trainer.memory.Memory;

/**
 * The stream of one lane to one peer. Frames are written straight into the stream's buffer, which
 * is the socket's source or the peer's own memory: {@link #claim} finds room, {@link #commit} lets
 * it go.
 */
final class Outgoing {
  /** What {@link #claim} returns when there is no room now. */
  static final long NO_ROOM = 0;

  private final Aeron client;
  private final long registration;
  private final RunCodes codes;
  private final int rank;
  private final byte[] proof;
  private final Tally tally;
  private final BufferClaim claim = new BufferClaim();
  private ExclusivePublication publication;
  private boolean introduced;

  /**
   * Asks for the stream; {@link #introduce} completes it.
   *
   * @param client of the driver that holds the stream
   * @param proof of the stream's first frame
   */
  Outgoing(
      Aeron client,
      String channel,
      int streamId,
      RunCodes codes,
      int rank,
      byte[] proof,
      Tally tally) {
    this.client = client;
    this.codes = codes;
    this.rank = rank;
    this.proof = proof.clone();
    this.tally = tally;
    this.registration = client.asyncAddExclusivePublication(channel, streamId);
  }

  /** Sends the first frame as soon as the peer listens; returns whether that has happened. */
  boolean introduce() {
    if (introduced) {
      return true;
    }
    if (publication == null) {
      publication = client.getExclusivePublication(registration);
    }
    if (publication == null || !publication.isConnected()) {
      return false;
    }
    long frame = claim(FrameType.HELLO, proof.length);
    if (frame == NO_ROOM) {
      return false;
    }
    Memory.copyFromHeap(proof, 0, frame + Frame.HEADER_BYTES, proof.length);
    commit();
    introduced = true;
    return true;
  }

  /** Most payload bytes of a frame. */
  int maxPayload() {
    return publication.maxPayloadLength() - Frame.HEADER_BYTES;
  }

  /** Whether nothing can ever be sent again. */
  boolean isClosed() {
    return publication != null && publication.isClosed();
  }

  /**
   * Finds room for a frame and writes its header.
   *
   * @return the frame's address, or {@link #NO_ROOM}: the peer has not read enough, is not
   *     connected at the moment, or the stream has ended, which {@link #isClosed} tells
   */
  long claim(FrameType type, int payloadLength) {
    long position = publication.tryClaim(Frame.HEADER_BYTES + payloadLength, claim);
    if (position <= 0) {
      if (position == Publication.BACK_PRESSURED || position == Publication.ADMIN_ACTION) {
        tally.count(Tally.Event.BACK_PRESSURE);
      }
      return NO_ROOM;
    }
    long frame = claim.buffer().addressOffset() + claim.offset();
    Frame.write(frame, type, codes.epoch(), codes.tag(), rank, payloadLength);
    return frame;
  }

  /** Lets the claimed frame go. */
  void commit() {
    claim.commit();
  }
}
