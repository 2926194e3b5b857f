package org.sparktune.trainer.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * A model that has learned nothing: matrices from a normal distribution, norms one, biases zero, as
 * transformers initializes these families. Every tensor is drawn from the seed and its own name.
 */
public final class RandomWeights implements WeightSource {
  private static final double STANDARD_DEVIATION = 0.02;

  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final long seed;

  /**
   * @param config the shape
   * @param seed the same seed gives the same weights
   */
  public RandomWeights(DecoderConfig config, long seed) {
    this.seed = seed;
    ParameterLayout layout = DecoderPlan.of(config, Tuning.Full.everything()).layout();
    for (ParameterLayout.Entry entry : layout.entries()) {
      shapes.put(entry.name(), entry.shape());
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(shapes.keySet());
  }

  @Override
  public boolean has(String name) {
    return shapes.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    long[] shape = shapes.get(name);
    if (shape == null) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "The random model has no tensor %s.".formatted(name), "");
    }
    return shape.clone();
  }

  @Override
  public void read(String name, Tensor destination) {
    SplittableRandom random = new SplittableRandom(seed * 31 + name.hashCode());
    boolean matrix = shape(name).length == 2;
    float constant = name.endsWith(".bias") ? 0 : 1;
    for (long i = 0; i < destination.size(); i++) {
      float value = matrix ? (float) (random.nextGaussian() * STANDARD_DEVIATION) : constant;
      put(destination, i, value);
    }
  }

  private static void put(Tensor destination, long index, float value) {
    if (destination.type() == DType.F32) {
      destination.setFloat(index, value);
    } else {
      int bits = Float.floatToRawIntBits(value);
      int rounded = (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
      Memory.putShort(destination.address() + 2 * index, (short) rounded);
    }
  }
}
