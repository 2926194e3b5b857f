package org.sparktune.trainer.collective.aeron;

import org.sparktune.trainer.engine.cpu.vector.ElementKernels;
import org.sparktune.trainer.engine.cpu.vector.WireKernels;
import org.sparktune.trainer.memory.Memory;

/**
 * Carries out one exchange after the other: frames go out while frames come in, each cut to one
 * payload and added or stored straight from the received buffer. A frame of an exchange that is
 * over or of a chunk that was taken is dropped; one of an exchange that has not begun stays in its
 * stream.
 */
final class ExchangeRun implements Incoming.Sink {
  /** Bytes that go out before what came in is looked at. */
  private static final long BURST_BYTES = 256 << 10;

  /** Frames that are read before more is sent. */
  private static final int POLLED_FRAMES = 16;

  /** Chunks are cut at multiples of so many bytes. */
  private static final int CHUNK_ALIGNMENT = 64;

  private final ElementKernels kernels = new ElementKernels();
  private final WireKernels wireKernels = new WireKernels();
  private final Tally tally;
  private Operation operation;
  private Exchange exchange;
  private Link link;
  private int index;
  private long sent;
  private long received;
  private String problem;

  ExchangeRun(Tally tally) {
    this.tally = tally;
  }

  /** Begins an exchange. */
  void begin(Operation ofOperation, int exchangeIndex, Link withLink) {
    operation = ofOperation;
    index = ofOperation.numberWithPeer(exchangeIndex);
    exchange = ofOperation.exchanges().get(exchangeIndex);
    link = withLink;
    sent = 0;
    received = 0;
    problem = null;
    if (exchange.snapshotOf() != 0) {
      Memory.copy(
          exchange.snapshotOf(),
          exchange.sendAddress(),
          exchange.sendElements() * exchange.content().memoryBytes());
    }
  }

  /** Sends and receives what it can; returns how much was done. */
  int work(long nowNanos) {
    int count = send();
    if (received < exchange.receiveBytes()) {
      count += link.pollData(this, POLLED_FRAMES, nowNanos);
    }
    return count;
  }

  /** Whether everything has been sent and received. */
  boolean isDone() {
    return sent == exchange.sendBytes() && received == exchange.receiveBytes();
  }

  /** What the peer did that no rank does, following its name; null in general. */
  String problem() {
    return problem;
  }

  /** The other rank. */
  int peer() {
    return exchange.peer();
  }

  private int send() {
    long total = exchange.sendBytes();
    if (sent == total) {
      return 0;
    }
    int largest = link.maxPayload() / CHUNK_ALIGNMENT * CHUNK_ALIGNMENT;
    int frames = 0;
    long burstEnd = Math.min(total, sent + BURST_BYTES);
    while (sent < burstEnd) {
      int bytes = (int) Math.min(largest, total - sent);
      long frame = link.claimData(bytes);
      if (frame == Outgoing.NO_ROOM) {
        break;
      }
      Frame.writePlace(frame, operation.step(), operation.number(), index, kind(), sent, total);
      put(frame + Frame.HEADER_BYTES, bytes);
      link.commitData();
      sent += bytes;
      tally.add(Tally.Event.BYTE_SENT, bytes);
      frames++;
    }
    return frames;
  }

  @Override
  public boolean take(long frame) {
    if (Frame.type(frame) != FrameType.DATA) {
      tally.count(Tally.Event.STALE);
      return true;
    }
    int order = Long.compare(Frame.operation(frame), operation.number());
    order = order == 0 ? Integer.compare(Frame.exchange(frame), index) : order;
    if (order > 0) {
      return false;
    }
    link.dataTaken();
    if (order < 0) {
      tally.count(Tally.Event.STALE);
    } else if (Frame.kind(frame) != kind() || Frame.total(frame) != exchange.receiveBytes()) {
      problem =
          "is in a %s of %d bytes while this rank is in a %s of %d bytes"
              .formatted(
                  OperationKind.describe(Frame.kind(frame)),
                  Frame.total(frame),
                  OperationKind.describe(kind()),
                  exchange.receiveBytes());
    } else if (Frame.offset(frame) < received) {
      tally.count(Tally.Event.DUPLICATE);
    } else {
      takeChunk(frame);
    }
    return true;
  }

  private void takeChunk(long frame) {
    int bytes = Frame.payloadLength(frame);
    if (Frame.offset(frame) != received
        || bytes > exchange.receiveBytes() - received
        || bytes % exchange.content().wireBytes() != 0) {
      problem =
          "sent %d bytes at %d where %d of %d are expected"
              .formatted(bytes, Frame.offset(frame), received, exchange.receiveBytes());
      return;
    }
    get(frame + Frame.HEADER_BYTES, bytes);
    received += bytes;
    tally.add(Tally.Event.BYTE_RECEIVED, bytes);
  }

  private int kind() {
    return operation.kind().code() | exchange.content().code() << 8;
  }

  private void put(long payload, int bytes) {
    Content content = exchange.content();
    long first = sent / content.wireBytes();
    long from = exchange.sendAddress() + first * content.memoryBytes();
    switch (content) {
      case F32, I64 -> Memory.copy(from, payload, bytes);
      case F32_AS_BF16 -> {
        long errors = exchange.errorAddress() + first * content.memoryBytes();
        wireKernels.toBf16WithFeedback(from, errors, payload, bytes / content.wireBytes());
      }
    }
  }

  private void get(long payload, int bytes) {
    Content content = exchange.content();
    int count = bytes / content.wireBytes();
    long first = received / content.wireBytes();
    long to = exchange.receiveAddress() + first * content.memoryBytes();
    if (!exchange.accumulates()) {
      switch (content) {
        case F32, I64 -> Memory.copy(payload, to, bytes);
        case F32_AS_BF16 -> kernels.fromBf16(payload, to, count);
      }
      return;
    }
    switch (content) {
      case F32 -> kernels.add(payload, to, count);
      case F32_AS_BF16 -> wireKernels.addBf16(payload, to, count);
      case I64 -> addLongs(payload, to, count);
    }
  }

  private static void addLongs(long from, long to, int count) {
    for (long i = 0; i < (long) count * Long.BYTES; i += Long.BYTES) {
      Memory.putLong(to + i, Memory.getLong(to + i) + Memory.getLong(from + i));
    }
  }
}
