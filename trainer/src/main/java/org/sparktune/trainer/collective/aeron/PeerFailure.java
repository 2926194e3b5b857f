package org.sparktune.trainer.collective.aeron;

import java.nio.charset.StandardCharsets;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Memory;

/**
 * Why the ranks cannot go on.
 *
 * @param rank that is lost or gave up
 * @param step at which
 * @param reason what it did, following its name: {@code has not been heard of for 30 s}
 */
record PeerFailure(int rank, long step, String reason) {
  private static final int REASON_OFFSET = 16;

  /** Longest reason in bytes that fits an abort frame. */
  private static final int LONGEST_REASON = 400;

  /**
   * Reads an abort frame's payload.
   *
   * @return null when it is none: too short or too long
   */
  static PeerFailure read(long payload, int length) {
    if (length < REASON_OFFSET || length > REASON_OFFSET + LONGEST_REASON) {
      return null;
    }
    byte[] text = new byte[length - REASON_OFFSET];
    Memory.copyToHeap(payload + REASON_OFFSET, text, 0, text.length);
    return new PeerFailure(
        Memory.getInt(payload),
        Memory.getLong(payload + 8),
        new String(text, StandardCharsets.UTF_8));
  }

  /** Bytes of the payload. */
  byte[] reasonBytes(int room) {
    byte[] text = reason.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(text.length, Math.min(LONGEST_REASON, room - REASON_OFFSET));
    while (length > 0 && length < text.length && (text[length] & 0xc0) == 0x80) {
      length--;
    }
    byte[] cut = new byte[length];
    System.arraycopy(text, 0, cut, 0, length);
    return cut;
  }

  /** The payload's length with so much of the reason. */
  static int payloadLength(byte[] reasonBytes) {
    return REASON_OFFSET + reasonBytes.length;
  }

  /** Writes an abort frame's payload. */
  void write(long payload, byte[] reasonBytes) {
    Memory.putInt(payload, rank);
    Memory.putInt(payload + 4, 0);
    Memory.putLong(payload + 8, step);
    Memory.copyFromHeap(reasonBytes, 0, payload + REASON_OFFSET, reasonBytes.length);
  }

  /**
   * What the user is told.
   *
   * @param host of the lost rank
   */
  SparktuneException exception(String host) {
    return new SparktuneException(
        ErrorCode.PEER_LOST,
        "Rank %d on %s %s, at step %d.".formatted(rank, host, reason, step),
        "The log of that executor may say why; the run can be resumed from its last checkpoint.");
  }
}
