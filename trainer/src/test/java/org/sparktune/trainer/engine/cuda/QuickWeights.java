package org.sparktune.trainer.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RandomWeights;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * Random weights of large models in seconds: one drawn stretch of numbers, repeated from a place of
 * each tensor's own.
 */
final class QuickWeights implements WeightSource, AutoCloseable {
  /** Odd, so that no two rows of a matrix are alike. */
  private static final int STRETCH = (1 << 22) + 1;

  private static final double STANDARD_DEVIATION = 0.02;

  /** What the blocks take. */
  static final BaseStorage STORAGE =
      new BaseStorage.Stored(Nf4Matrix.bytes(1 << 20, true) / (double) (1 << 20));

  private final Map<String, QuantizedMatrix> quantized = new HashMap<>();
  private final RandomWeights shapes;
  private final Arena arena = new Arena("random weights");
  private final Tensor single = arena.allocate(DType.F32, STRETCH);
  private final Tensor half = arena.allocate(DType.BF16, STRETCH);

  QuickWeights(DecoderConfig config) {
    shapes = new RandomWeights(config, 0);
    SplittableRandom random = new SplittableRandom(0);
    for (int i = 0; i < STRETCH; i++) {
      float value = (float) (random.nextDouble(-1.7, 1.7) * STANDARD_DEVIATION);
      single.setFloat(i, value);
      int bits = Float.floatToRawIntBits(value);
      Memory.putShort(half.address() + 2L * i, (short) (bits >>> 16));
    }
  }

  @Override
  public Set<String> names() {
    return shapes.names();
  }

  @Override
  public boolean has(String name) {
    return shapes.has(name);
  }

  @Override
  public long[] shape(String name) {
    return shapes.shape(name);
  }

  @Override
  public void read(String name, Tensor destination) {
    if (destination.shape().length == 1) {
      shapes.read(name, destination);
      return;
    }
    Tensor source = destination.type() == DType.BF16 ? half : single;
    long bytes = source.type().bytes();
    long at = Math.floorMod(name.hashCode(), STRETCH);
    for (long done = 0; done < destination.size(); ) {
      long count = Math.min(STRETCH - at, destination.size() - done);
      Memory.copy(
          source.address() + at * bytes, destination.address() + done * bytes, count * bytes);
      done += count;
      at = 0;
    }
  }

  /** Random NF4 blocks, shared by all matrices of a size: no matrix is ever held in full. */
  @Override
  public Optional<QuantizedMatrix> readQuantized(String name, TensorArena unused) {
    long[] shape = shape(name);
    return Optional.of(
        quantized.computeIfAbsent(shape[0] + "x" + shape[1], key -> random(shape[0], shape[1])));
  }

  private Nf4Matrix random(long rows, long columns) {
    long blocks = rows * columns / 64;
    Tensor magnitudes = arena.allocate(DType.F32, (blocks + 255) / 256);
    for (long i = 0; i < magnitudes.size(); i++) {
      magnitudes.setFloat(i, 0.02f);
    }
    Tensor mean = arena.allocate(DType.F32, 1).set(new float[] {0.04f});
    return new Nf4Matrix(
        rows,
        columns,
        randomBytes(rows * columns / 2),
        null,
        new Nf4Matrix.QuantizedScales(randomBytes(blocks), magnitudes, mean));
  }

  private Tensor randomBytes(long count) {
    Tensor bytes = arena.allocate(DType.I8, count);
    long state = count;
    for (long i = 0; i + 8 <= count; i += 8) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      Memory.putLong(bytes.address() + i, state ^ state >>> 29);
    }
    return bytes;
  }

  @Override
  public void close() {
    arena.close();
  }
}
