package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.FLOATS;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.exp;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.sparktune.trainer.memory.Memory;

/**
 * SwiGLU of one row and its gradient, in passes over blocks that stay in the first-level cache: one
 * loop that did all of it would pass the compiler's limit. Not safe for several threads: each has
 * its own.
 */
public final class GateKernels {
  private static final int BLOCK = 1024;

  private final float[] sigmoids = new float[BLOCK];
  private final float[] results = new float[BLOCK];
  private final ByteBuffer first = Memory.window();
  private final ByteBuffer second = Memory.window();
  private final ByteBuffer third = Memory.window();
  private final ByteBuffer fourth = Memory.window();
  private final ByteBuffer fifth = Memory.window();

  /**
   * out = gate · sigmoid(gate) · up, {@code count} numbers each.
   *
   * @param bf16 whether out is BF16; gate and up are F32
   */
  public void swiglu(long gate, long up, long out, boolean bf16, int count) {
    ByteBuffer g = Memory.place(first, gate);
    ByteBuffer u = Memory.place(second, up);
    ByteBuffer o = Memory.place(third, out);
    for (int start = 0; start < count; start += BLOCK) {
      int end = Math.min(count, start + BLOCK);
      gated(g, u, start, end);
      write(results, o, bf16, start, end);
    }
  }

  private void gated(ByteBuffer g, ByteBuffer u, int start, int end) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      FloatVector value = load(g, i);
      value.div(exp(value.neg()).add(1f)).mul(load(u, i)).intoArray(results, i - start);
    }
    for (; i < end; i++) {
      float value = get(g, i);
      results[i - start] = value / (exp(-value) + 1f) * get(u, i);
    }
  }

  /**
   * The gradient of {@link #swiglu}; F32 results may be written over gate and up.
   *
   * @param bf16 whether dGate and dUp are BF16; the others are F32
   * @param count numbers of each
   */
  public void swigluGradient(
      long dOut, long gate, long up, long dGate, long dUp, boolean bf16, int count) {
    ByteBuffer d = Memory.place(first, dOut);
    ByteBuffer g = Memory.place(second, gate);
    ByteBuffer u = Memory.place(third, up);
    ByteBuffer dg = Memory.place(fourth, dGate);
    ByteBuffer du = Memory.place(fifth, dUp);
    for (int start = 0; start < count; start += BLOCK) {
      int end = Math.min(count, start + BLOCK);
      sigmoid(g, start, end);
      gateGradient(d, g, u, start, end);
      // The gradient of up needs the gate that the gradient of the gate may overwrite.
      swapInUpGradient(d, g, start, end);
      write(results, dg, bf16, start, end);
      write(sigmoids, du, bf16, start, end);
    }
  }

  /** Leaves sigmoid(x) of a block in {@link #sigmoids}. */
  private void sigmoid(ByteBuffer x, int start, int end) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      one.div(exp(load(x, i).neg()).add(1f)).intoArray(sigmoids, i - start);
    }
    for (; i < end; i++) {
      sigmoids[i - start] = 1f / (exp(-get(x, i)) + 1f);
    }
  }

  /** Leaves the gate's gradient in {@link #results}. */
  private void gateGradient(ByteBuffer d, ByteBuffer g, ByteBuffer u, int start, int end) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      FloatVector sigmoid = FloatVector.fromArray(FLOATS, sigmoids, i - start);
      FloatVector slope = one.sub(sigmoid).fma(load(g, i), one).mul(sigmoid);
      load(d, i).mul(load(u, i)).mul(slope).intoArray(results, i - start);
    }
    for (; i < end; i++) {
      float sigmoid = sigmoids[i - start];
      float slope = Math.fma(1f - sigmoid, get(g, i), 1f) * sigmoid;
      results[i - start] = get(d, i) * get(u, i) * slope;
    }
  }

  /** Replaces {@link #sigmoids} by up's gradient. */
  private void swapInUpGradient(ByteBuffer d, ByteBuffer g, int start, int end) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      FloatVector sigmoid = FloatVector.fromArray(FLOATS, sigmoids, i - start);
      load(d, i).mul(load(g, i).mul(sigmoid)).intoArray(sigmoids, i - start);
    }
    for (; i < end; i++) {
      sigmoids[i - start] = get(d, i) * (get(g, i) * sigmoids[i - start]);
    }
  }

  private static void write(float[] from, ByteBuffer out, boolean bf16, int start, int end) {
    if (bf16) {
      writeBf16(from, out, start, end);
    } else {
      writeFloats(from, out, start, end);
    }
  }

  private static void writeFloats(float[] from, ByteBuffer out, int start, int end) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      Vectors.store(FloatVector.fromArray(FLOATS, from, i - start), out, i);
    }
    for (; i < end; i++) {
      Vectors.put(out, i, from[i - start]);
    }
  }

  private static void writeBf16(float[] from, ByteBuffer out, int start, int end) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      Vectors.storeBf16(FloatVector.fromArray(FLOATS, from, i - start), out, i);
    }
    for (; i < end; i++) {
      Vectors.putBf16(out, i, from[i - start]);
    }
  }
}
