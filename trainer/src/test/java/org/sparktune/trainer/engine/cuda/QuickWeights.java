package org.sparktune.trainer.engine.cuda;

import java.util.Set;
import java.util.SplittableRandom;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RandomWeights;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * Random weights of large models in seconds: one drawn stretch of numbers, repeated from a place of
 * each tensor's own.
 */
final class QuickWeights implements WeightSource, AutoCloseable {
  /** Odd, so that no two rows of a matrix are alike. */
  private static final int STRETCH = (1 << 22) + 1;

  private static final double STANDARD_DEVIATION = 0.02;

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

  @Override
  public void close() {
    arena.close();
  }
}
