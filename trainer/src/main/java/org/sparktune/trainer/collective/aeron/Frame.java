package org.sparktune.trainer.collective.aeron;

import org.sparktune.trainer.memory.Memory;

/**
 * The frame that every message consists of, at most as long as one Aeron payload. Little-endian:
 *
 * <pre>
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-------------------------------+---------------+---------------+
 *  0|  Magic 0x5354                 |  Version 1    |  Type         |
 *   +-------------------------------+---------------+---------------+
 *  4|  Epoch: the attempt at the run                                |
 *   +---------------------------------------------------------------+
 *  8|  Run tag                                                      |
 * 12|                                                               |
 *   +---------------------------------------------------------------+
 * 16|  Step                                                         |
 * 20|                                                               |
 *   +---------------------------------------------------------------+
 * 24|  Operation: counted from 0, one for every bucket of every     |
 * 28|  collective call since the ranks were connected               |
 *   +---------------------------------------------------------------+
 * 32|  Exchange: which of the operation's between these two ranks    |
 *   +---------------------------------------------------------------+
 * 36|  Payload length in bytes                                      |
 *   +---------------------------------------------------------------+
 * 40|  Offset: where in the exchange's bytes this chunk belongs;    |
 * 44|  in a farewell the number of data frames sent                 |
 *   +---------------------------------------------------------------+
 * 48|  Total bytes of the exchange                                  |
 * 52|                                                               |
 *   +---------------------------------------------------------------+
 * 56|  From: the sender's rank                                      |
 *   +---------------------------------------------------------------+
 * 60|  Kind of operation, and of its content times 256              |
 *   +---------------------------------------------------------------+
 * 64|  Payload                                                      |
 *   :                                                               :
 * </pre>
 *
 * Static methods over addresses: frames are written into claimed and read from received term
 * buffers in place.
 */
final class Frame {
  /** Bytes before the payload. */
  static final int HEADER_BYTES = 64;

  private static final short MAGIC = 0x5354;
  private static final byte VERSION = 1;

  private static final int VERSION_OFFSET = 2;
  private static final int TYPE_OFFSET = 3;
  private static final int EPOCH_OFFSET = 4;
  private static final int TAG_OFFSET = 8;
  private static final int STEP_OFFSET = 16;
  private static final int OPERATION_OFFSET = 24;
  private static final int EXCHANGE_OFFSET = 32;
  private static final int PAYLOAD_LENGTH_OFFSET = 36;
  private static final int CHUNK_OFFSET = 40;
  private static final int TOTAL_OFFSET = 48;
  private static final int FROM_OFFSET = 56;
  private static final int KIND_OFFSET = 60;

  private Frame() {}

  /** Writes what every frame has; the rest of the header becomes zero. */
  static void write(long frame, FrameType type, int epoch, long tag, int from, int payloadLength) {
    Memory.fill(frame, HEADER_BYTES, (byte) 0);
    Memory.putShort(frame, MAGIC);
    Memory.putByte(frame + VERSION_OFFSET, VERSION);
    Memory.putByte(frame + TYPE_OFFSET, (byte) type.code());
    Memory.putInt(frame + EPOCH_OFFSET, epoch);
    Memory.putLong(frame + TAG_OFFSET, tag);
    Memory.putInt(frame + FROM_OFFSET, from);
    Memory.putInt(frame + PAYLOAD_LENGTH_OFFSET, payloadLength);
  }

  /** Writes a data frame's place. */
  static void writePlace(
      long frame, long step, long operation, int exchange, int kind, long offset, long total) {
    Memory.putLong(frame + STEP_OFFSET, step);
    Memory.putLong(frame + OPERATION_OFFSET, operation);
    Memory.putInt(frame + EXCHANGE_OFFSET, exchange);
    Memory.putInt(frame + KIND_OFFSET, kind);
    Memory.putLong(frame + CHUNK_OFFSET, offset);
    Memory.putLong(frame + TOTAL_OFFSET, total);
  }

  static void writeStep(long frame, long step) {
    Memory.putLong(frame + STEP_OFFSET, step);
  }

  static void writeOffset(long frame, long offset) {
    Memory.putLong(frame + CHUNK_OFFSET, offset);
  }

  /** Whether a message of so many bytes is a frame at all: magic, version, type and length. */
  static boolean isWellFormed(long frame, int length) {
    return length >= HEADER_BYTES
        && Memory.getShort(frame) == MAGIC
        && Memory.getByte(frame + VERSION_OFFSET) == VERSION
        && type(frame) != null
        && payloadLength(frame) == length - HEADER_BYTES;
  }

  static FrameType type(long frame) {
    return FrameType.of(Memory.getByte(frame + TYPE_OFFSET));
  }

  static int epoch(long frame) {
    return Memory.getInt(frame + EPOCH_OFFSET);
  }

  static long tag(long frame) {
    return Memory.getLong(frame + TAG_OFFSET);
  }

  static long step(long frame) {
    return Memory.getLong(frame + STEP_OFFSET);
  }

  static long operation(long frame) {
    return Memory.getLong(frame + OPERATION_OFFSET);
  }

  static int exchange(long frame) {
    return Memory.getInt(frame + EXCHANGE_OFFSET);
  }

  static int payloadLength(long frame) {
    return Memory.getInt(frame + PAYLOAD_LENGTH_OFFSET);
  }

  static long offset(long frame) {
    return Memory.getLong(frame + CHUNK_OFFSET);
  }

  static long total(long frame) {
    return Memory.getLong(frame + TOTAL_OFFSET);
  }

  static int from(long frame) {
    return Memory.getInt(frame + FROM_OFFSET);
  }

  static int kind(long frame) {
    return Memory.getInt(frame + KIND_OFFSET);
  }
}
