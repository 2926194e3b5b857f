package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.sparktune.trainer.memory.Memory;

/**
 * Loops over floats that travel between ranks as BF16. Not safe for several threads: each has its
 * own.
 */
public final class WireKernels {
  private final ByteBuffer first = Memory.window();
  private final ByteBuffer second = Memory.window();
  private final ByteBuffer third = Memory.window();

  /** y += x, {@code count} BF16 numbers added to as many floats. */
  public void addBf16(long halves, long floats, int count) {
    ByteBuffer from = Memory.place(first, halves);
    ByteBuffer to = Memory.place(second, floats);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(to, i).add(Vectors.loadBf16(from, i)), to, i);
    }
    for (; i < count; i++) {
      put(to, i, get(to, i) + Vectors.getBf16(from, i));
    }
  }

  /**
   * Rounds {@code values + errors} to BF16 and leaves in {@code errors} what rounding took away, or
   * 0 where that is not finite.
   *
   * @param values {@code (count)} floats
   * @param errors {@code (count)} floats
   * @param halves {@code (count)} BF16 numbers
   */
  public void toBf16WithFeedback(long values, long errors, long halves, int count) {
    ByteBuffer from = Memory.place(first, values);
    ByteBuffer error = Memory.place(second, errors);
    ByteBuffer to = Memory.place(third, halves);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector wanted = load(from, i).add(load(error, i));
      Vectors.storeBf16(wanted, to, i);
      FloatVector left = wanted.sub(Vectors.loadBf16(to, i));
      VectorMask<Float> unusable = left.sub(left).compare(VectorOperators.NE, 0f);
      store(left.blend(0f, unusable), error, i);
    }
    for (; i < count; i++) {
      float wanted = get(from, i) + get(error, i);
      Vectors.putBf16(to, i, wanted);
      float left = wanted - Vectors.getBf16(to, i);
      put(error, i, Float.isFinite(left) ? left : 0f);
    }
  }
}
