package org.sparktune.trainer.quantize;

import java.util.stream.IntStream;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * A matrix in NF4: blocks of 64 elements over its rows laid end to end, each with the largest
 * magnitude as its scale; two elements a byte, the first in the high half.
 *
 * <p>With double quantization a scale is 8 bits: its distance from the mean of all scales, over the
 * largest such distance of 256 neighbours.
 *
 * @param rows output features
 * @param columns input features
 * @param codes {@code (bytes)} I8
 * @param scales {@code (blocks)} F32; null with double quantization
 * @param quantized the scales' codes and what they stand for; null without double quantization
 */
public record Nf4Matrix(
    long rows, long columns, Tensor codes, Tensor scales, QuantizedScales quantized)
    implements QuantizedMatrix {
  /** Blocks that a thread encodes at a time. */
  private static final int RUN = 1024;

  /**
   * Scales in 8 bits.
   *
   * @param codes {@code (blocks)} I8
   * @param magnitudes {@code (blocks / 256)} F32: what a code of 1 stands for
   * @param mean {@code (1)} F32: what a code of 0 stands for
   */
  public record QuantizedScales(Tensor codes, Tensor magnitudes, Tensor mean) {
    float scale(long block) {
      int code = Memory.getByte(codes.address() + block) & 0xff;
      float magnitude = magnitudes.getFloat(block / Nf4.SCALES_BLOCK);
      return Nf4.scaleValue(code) * magnitude + mean.getFloat(0);
    }

    private QuantizedScales copy(TensorArena arena) {
      return new QuantizedScales(
          Nf4Matrix.copy(codes, arena),
          Nf4Matrix.copy(magnitudes, arena),
          Nf4Matrix.copy(mean, arena));
    }
  }

  /**
   * Quantizes a matrix.
   *
   * @param matrix {@code (out, in)} F32, contiguous
   * @param doubleQuantization whether scales take 8 bits rather than 32
   */
  public static Nf4Matrix of(Tensor matrix, boolean doubleQuantization, TensorArena arena) {
    long size = matrix.size();
    long blocks = blocks(size);
    Tensor codes = arena.allocate(DType.I8, (size + 1) / 2);
    float[] magnitudes = new float[Math.toIntExact(blocks)];
    int runs = (magnitudes.length + RUN - 1) / RUN;
    IntStream.range(0, runs)
        .parallel()
        .forEach(
            run -> {
              float[] values = new float[Nf4.BLOCK];
              int end = Math.min(magnitudes.length, (run + 1) * RUN);
              for (int block = run * RUN; block < end; block++) {
                long first = (long) block * Nf4.BLOCK;
                int count = (int) Math.min(Nf4.BLOCK, size - first);
                Memory.copyToHeap(matrix.address() + first * Float.BYTES, values, count);
                magnitudes[block] = encode(values, count, codes.address() + first / 2);
              }
            });
    Tensor scales = doubleQuantization ? null : arena.allocate(DType.F32, blocks).set(magnitudes);
    QuantizedScales quantized = doubleQuantization ? quantize(magnitudes, arena) : null;
    return new Nf4Matrix(matrix.rows(), matrix.columns(), codes, scales, quantized);
  }

  /** The bytes of a matrix of so many elements. */
  public static long bytes(long elements, boolean doubleQuantization) {
    long blocks = blocks(elements);
    long groups = (blocks + Nf4.SCALES_BLOCK - 1) / Nf4.SCALES_BLOCK;
    return (elements + 1) / 2
        + (doubleQuantization ? blocks + (groups + 1) * Float.BYTES : blocks * Float.BYTES);
  }

  @Override
  public long bytes() {
    return bytes(rows * columns, quantized != null);
  }

  @Override
  public void decode(long first, Tensor destination) {
    DecodedRun.requireRows(this, first, destination);
    float[] table = new float[16];
    float[] values = new float[Nf4.BLOCK];
    long from = first * columns;
    long end = from + destination.size();
    for (long at = from; at < end; ) {
      long block = at / Nf4.BLOCK;
      float scale = scale(block);
      for (int code = 0; code < table.length; code++) {
        table[code] = Nf4.value(code) * scale;
      }
      int count = (int) (Math.min(end, (block + 1) * Nf4.BLOCK) - at);
      for (int i = 0; i < count; i++) {
        int pair = Memory.getByte(codes.address() + (at + i) / 2);
        values[i] = table[((at + i) % 2 == 0 ? pair >> 4 : pair) & 15];
      }
      DecodedRun.store(values, count, destination, at - from);
      at += count;
    }
  }

  @Override
  public Nf4Matrix copy(TensorArena arena) {
    return new Nf4Matrix(
        rows,
        columns,
        copy(codes, arena),
        scales == null ? null : copy(scales, arena),
        quantized == null ? null : quantized.copy(arena));
  }

  /** The scale of a block of 64 elements. */
  float scale(long block) {
    return quantized == null ? scales.getFloat(block) : quantized.scale(block);
  }

  private static long blocks(long elements) {
    return (elements + Nf4.BLOCK - 1) / Nf4.BLOCK;
  }

  private static Tensor copy(Tensor source, TensorArena arena) {
    Tensor copy = arena.allocate(source.type(), source.shape());
    copy.copyFrom(source);
    return copy;
  }

  /** Returns the scale. */
  private static float encode(float[] values, int count, long address) {
    float magnitude = largest(values, 0, count);
    float inverse = magnitude == 0 ? 0 : 1 / magnitude;
    for (int i = 0; i < count; i += 2) {
      int high = Nf4.code(values[i] * inverse);
      int low = i + 1 < count ? Nf4.code(values[i + 1] * inverse) : 0;
      Memory.putByte(address + i / 2, (byte) (high << 4 | low));
    }
    return magnitude;
  }

  private static QuantizedScales quantize(float[] scales, TensorArena arena) {
    double sum = 0;
    for (float scale : scales) {
      sum += scale;
    }
    float mean = (float) (sum / scales.length);
    float[] distances = new float[scales.length];
    for (int i = 0; i < scales.length; i++) {
      distances[i] = scales[i] - mean;
    }
    int groups = (scales.length + Nf4.SCALES_BLOCK - 1) / Nf4.SCALES_BLOCK;
    Tensor codes = arena.allocate(DType.I8, scales.length);
    float[] magnitudes = new float[groups];
    for (int group = 0; group < groups; group++) {
      int first = group * Nf4.SCALES_BLOCK;
      int end = Math.min(scales.length, first + Nf4.SCALES_BLOCK);
      magnitudes[group] = largest(distances, first, end);
      float inverse = magnitudes[group] == 0 ? 0 : 1 / magnitudes[group];
      for (int i = first; i < end; i++) {
        Memory.putByte(codes.address() + i, (byte) Nf4.scaleCode(distances[i] * inverse));
      }
    }
    return new QuantizedScales(
        codes,
        arena.allocate(DType.F32, groups).set(magnitudes),
        arena.allocate(DType.F32, 1).set(new float[] {mean}));
  }

  private static float largest(float[] values, int from, int to) {
    float largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    return largest;
  }
}
