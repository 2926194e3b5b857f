package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.FrameDescriptor;
import io.aeron.logbuffer.Header;
import io.aeron.protocol.DataHeaderFlyweight;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** What happens to frames that are stale, doubled, early, forged or no frames at all. */
class FramesTest {
  private static final int PEER = 1;
  private static final int FLOATS = 8;

  private final RunCodes codes = new RunCodes(new RunKey("run", 2, new byte[32]));
  private final Tally tally = new Tally();
  private final Arena arena = new Arena("frames");
  private final Tensor bucket = arena.allocate(DType.F32, 2 * FLOATS);
  private final long frame = arena.allocate(DType.F32, 1024).address();
  private final ExchangeRun run = new ExchangeRun(tally);
  private final Link link = new Link(PEER, null, null, null, null);

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void shouldAddEachChunkOnce() {
    begin(5);
    assertTrue(run.take(data(5, 0, 0, 16)));
    assertTrue(run.take(data(5, 0, 0, 16)));
    assertTrue(run.take(data(5, 0, 16, 16)));
    assertTrue(run.take(data(5, 0, 16, 16)));

    assertArrayEquals(new float[] {1, 1, 1, 1, 1, 1, 1, 1}, sums());
    assertEquals(2, tally.read().duplicates());
    assertTrue(run.isDone());
  }

  @Test
  void shouldDropWhatIsOverAndLeaveWhatIsEarly() {
    begin(5);
    assertTrue(run.take(data(4, 0, 0, 32)));
    assertFalse(run.take(data(5, 1, 0, 32)));
    assertFalse(run.take(data(6, 0, 0, 32)));

    assertArrayEquals(new float[FLOATS], sums());
    assertEquals(1, tally.read().stale());
    assertNull(run.problem());
  }

  @Test
  void shouldRefuseAGapAndAnOverrun() {
    begin(5);
    assertTrue(run.take(data(5, 0, 16, 16)));
    assertNotNull(run.problem());

    begin(6);
    assertTrue(run.take(data(6, 0, 0, 64)));
    assertNotNull(run.problem());
    assertArrayEquals(new float[FLOATS], sums());
  }

  @Test
  void shouldReadNothingBeforeTheProof() {
    Incoming incoming = incoming();
    assertEquals(Action.CONTINUE, arrive(incoming, data(5, 0, 0, 16), 80));
    byte[] proof = codes.proof(Lane.DATA, PEER, 0, "another nonce");
    assertEquals(Action.CONTINUE, arrive(incoming, hello(proof), 96));
    proof = codes.proof(Lane.CONTROL, PEER, 0, "nonce");
    assertEquals(Action.CONTINUE, arrive(incoming, hello(proof), 96));
    assertEquals(Action.CONTINUE, arrive(incoming, data(5, 0, 0, 16), 80));

    assertEquals(4, tally.read().unauthenticated());
    assertArrayEquals(new float[FLOATS], sums());
  }

  @Test
  void shouldDropGarbageAndFramesOfOtherAttemptsAfterTheProof() {
    Incoming incoming = incoming();
    begin(5);
    arrive(incoming, hello(codes.proof(Lane.DATA, PEER, 0, "nonce")), 96);
    Random random = new Random(7);
    for (int i = 0; i < 1000; i++) {
      byte[] garbage = new byte[random.nextInt(300)];
      random.nextBytes(garbage);
      Memory.copyFromHeap(garbage, 0, frame, garbage.length);
      assertEquals(Action.CONTINUE, arrive(incoming, frame, garbage.length));
    }
    assertEquals(Action.CONTINUE, arrive(incoming, data(5, 0, 0, 16), 79));
    assertEquals(1001, tally.read().malformed());

    Frame.write(frame, FrameType.DATA, 1, codes.tag(), PEER, 16);
    assertEquals(Action.CONTINUE, arrive(incoming, frame, 80));
    Frame.write(frame, FrameType.DATA, 2, codes.tag() + 1, PEER, 16);
    assertEquals(Action.CONTINUE, arrive(incoming, frame, 80));
    Frame.write(frame, FrameType.DATA, 2, codes.tag(), PEER + 1, 16);
    assertEquals(Action.CONTINUE, arrive(incoming, frame, 80));
    assertEquals(3, tally.read().stale());
    assertArrayEquals(new float[FLOATS], sums());

    assertEquals(Action.CONTINUE, arrive(incoming, data(5, 0, 0, 32), 96));
    assertArrayEquals(new float[] {1, 1, 1, 1, 1, 1, 1, 1}, sums());
    assertEquals(Action.ABORT, arrive(incoming, data(6, 0, 0, 32), 96));
  }

  @Test
  void shouldCutReasonsAtCharacters() {
    PeerFailure failure = new PeerFailure(3, 1L << 40, "ü".repeat(1000));
    byte[] reason = failure.reasonBytes(117);
    failure.write(frame, reason);
    PeerFailure read = PeerFailure.read(frame, PeerFailure.payloadLength(reason));

    assertEquals(new PeerFailure(3, 1L << 40, "ü".repeat(50)), read);
  }

  /** Rank 0 takes 8 floats from rank 1 and adds them to what it has. */
  private void begin(long operation) {
    bucket.zero();
    Exchange exchange = new Exchange(PEER, Content.F32, 0, 0, bucket.address(), FLOATS, true, 0, 0);
    List<Exchange> exchanges = List.of(exchange);
    run.begin(new Operation(OperationKind.ALL_REDUCE, 0, operation, exchanges, () -> {}), 0, link);
  }

  /** A data frame of ones. */
  private long data(long operation, int exchange, long offset, int bytes) {
    Frame.write(frame, FrameType.DATA, codes.epoch(), codes.tag(), PEER, bytes);
    int kind = OperationKind.ALL_REDUCE.code() | Content.F32.code() << 8;
    Frame.writePlace(frame, 0, operation, exchange, kind, offset, FLOATS * 4L);
    for (int i = 0; i < bytes; i += Float.BYTES) {
      Memory.putFloat(frame + Frame.HEADER_BYTES + i, 1);
    }
    return frame;
  }

  private long hello(byte[] proof) {
    Frame.write(frame, FrameType.HELLO, codes.epoch(), codes.tag(), PEER, proof.length);
    Memory.copyFromHeap(proof, 0, frame + Frame.HEADER_BYTES, proof.length);
    return frame;
  }

  private Incoming incoming() {
    Incoming incoming =
        new Incoming(List.of(), codes, PEER, codes.proof(Lane.DATA, PEER, 0, "nonce"), tally);
    incoming.poll(run, 1);
    return incoming;
  }

  private static Action arrive(Incoming incoming, long address, int length) {
    UnsafeBuffer term = new UnsafeBuffer(ByteBuffer.allocateDirect(64));
    term.putByte(DataHeaderFlyweight.FLAGS_FIELD_OFFSET, FrameDescriptor.UNFRAGMENTED);
    Header header = new Header(0, 16);
    header.buffer(term);
    header.offset(0);
    return incoming.onFragment(new UnsafeBuffer(address, length), 0, length, header);
  }

  private float[] sums() {
    return bucket.view(0, FLOATS).toFloatArray();
  }
}
