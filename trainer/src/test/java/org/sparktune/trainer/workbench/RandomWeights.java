package org.sparktune.trainer.workbench;

import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;

/** A model with random weights of any shape: speed does not depend on what they are. */
final class RandomWeights implements WeightSource {
  private static final float SPREAD = 0.04f;

  private final SplittableRandom random = new SplittableRandom(1);
  private final Function<String, long[]> shapes;

  RandomWeights(Function<String, long[]> shapes) {
    this.shapes = shapes;
  }

  @Override
  public Set<String> names() {
    throw new UnsupportedOperationException("any name has random weights");
  }

  @Override
  public boolean has(String name) {
    return !name.startsWith("lm_head");
  }

  @Override
  public long[] shape(String name) {
    return shapes.apply(name);
  }

  @Override
  public void read(String name, Tensor destination) {
    long size = Arrays.stream(destination.shape()).reduce(1, Math::multiplyExact);
    boolean norm = name.contains("norm");
    for (long i = 0; i < size; i++) {
      float value = norm ? 1 : (float) (random.nextDouble() - 0.5) * SPREAD;
      if (destination.type() == DType.BF16) {
        Memory.putShort(
            destination.address() + i * Short.BYTES, (short) (Float.floatToIntBits(value) >>> 16));
      } else {
        destination.setFloat(i, value);
      }
    }
  }
}
