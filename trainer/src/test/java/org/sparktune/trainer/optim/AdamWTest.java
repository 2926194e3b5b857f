package org.sparktune.trainer.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class AdamWTest {
  private static final AdamWOptions OPTIONS = new AdamWOptions(0.9, 0.95, 1e-6, 0.1);
  private static final double[] RATES = {1e-2, 5e-3, 2e-2, 1e-3};

  // PyTorch 2.13, torch.optim.AdamW(betas=(0.9, 0.95), eps=1e-6), one group of 13 with decay 0.1
  // and
  // one of 3 without, clip_grad_norm_(…, 1.0) before every step.
  private static final float[] START = {
    -0.1467951f,
    0.7861413f,
    0.94682163f,
    -1.114344f,
    1.6907902f,
    -0.8948279f,
    -0.35562503f,
    1.2323858f,
    0.13817266f,
    -1.6821985f,
    0.3176783f,
    0.13280697f,
    0.1373241f,
    0.24054612f,
    1.3954508f,
    1.3470227f
  };
  private static final float[][] GRADIENTS = {
    {
      1.7067456f,
      0.14193079f,
      1.7153789f,
      1.4179213f,
      1.2454085f,
      -0.6425515f,
      -0.32047322f,
      -0.5071313f,
      0.8959147f,
      -0.6958464f,
      1.2704809f,
      -0.4219938f,
      1.1303703f,
      1.3511387f,
      -0.29575104f,
      -0.058230467f
    },
    {
      -0.6886082f,
      -0.8745476f,
      -0.13179003f,
      0.19788101f,
      0.09137398f,
      0.231179f,
      -0.054124497f,
      -0.6456921f,
      -1.3258811f,
      0.7039476f,
      -0.4863929f,
      0.6343597f,
      0.07506902f,
      0.4287616f,
      0.2307518f,
      -0.61339575f
    },
    {
      -1.1737772f,
      -0.50728106f,
      0.6743759f,
      0.09396801f,
      0.38398367f,
      1.4943973f,
      -0.61471945f,
      -1.4578342f,
      1.2821928f,
      -0.3874835f,
      0.7276358f,
      -0.8820653f,
      0.2908921f,
      -0.91217875f,
      0.30449954f,
      -0.8048651f
    },
    {
      -0.5704894f,
      -0.63825476f,
      -0.051705007f,
      0.77391404f,
      -0.60667485f,
      -0.09610809f,
      -0.46999577f,
      0.6981525f,
      -0.11130521f,
      0.4763012f,
      -0.6067994f,
      1.7522434f,
      -0.39506683f,
      0.8091718f,
      -0.4814154f,
      0.24607733f
    }
  };
  private static final double[] NORMS = {
    4.0599493980407715, 2.299705743789673, 3.426572561264038, 2.6834707260131836
  };
  private static final float[][] PARAMETERS = {
    {
      -0.15664828f,
      0.77535546f,
      0.9358748f,
      -1.1232296f,
      1.6790994f,
      -0.8839331f,
      -0.34526953f,
      1.2411532f,
      0.12803453f,
      -1.6705164f,
      0.30736068f,
      0.14267407f,
      0.1271868f,
      0.23054615f,
      1.4054507f,
      1.3570219f
    },
    {
      -0.15714139f,
      0.7783251f,
      0.9325525f,
      -1.1268584f,
      1.6744121f,
      -0.8826546f,
      -0.3407772f,
      1.245254f,
      0.1302275f,
      -1.6712812f,
      0.3065126f,
      0.14032306f,
      0.1233154f,
      0.225773f,
      1.404411f,
      1.3608693f
    },
    {
      -0.15120205f,
      0.7911461f,
      0.9172007f,
      -1.1386825f,
      1.655363f,
      -0.891419f,
      -0.32325584f,
      1.2614584f,
      0.12936677f,
      -1.6687593f,
      0.2977143f,
      0.1430639f,
      0.10792133f,
      0.22104786f,
      1.3943701f,
      1.3781656f
    },
    {
      -0.15077662f,
      0.7918678f,
      0.9165745f,
      -1.1393768f,
      1.6550055f,
      -0.8917219f,
      -0.32233003f,
      1.2617663f,
      0.12936263f,
      -1.6688766f,
      0.29765838f,
      0.14262651f,
      0.10762378f,
      0.22056955f,
      1.3945429f,
      1.3787136f
    }
  };
  private static final float[] FIRST = {
    -0.045696948f,
    -0.06536328f,
    0.04194515f,
    0.06373791f,
    0.01305839f,
    0.0322743f,
    -0.04132101f,
    -0.044122174f,
    -0.0010837038f,
    0.01987189f,
    0.0021800357f,
    0.05689599f,
    0.015859013f
  };
  private static final float[] SECOND = {
    0.019455384f,
    0.010447872f,
    0.009659373f,
    0.009757382f,
    0.007257175f,
    0.0106284525f,
    0.003354602f,
    0.0162084f,
    0.02382411f,
    0.007670087f,
    0.010915051f,
    0.02836316f,
    0.0047972077f
  };

  @Test
  void shouldFollowPyTorch() {
    try (Arena arena = new Arena("test");
        CpuVectors vectors = new CpuVectors(2);
        AdamW optimizer = new AdamW(layout(13, 3), OPTIONS, vectors)) {
      Tensor parameters = arena.allocate(DType.F32, 16).set(START);
      Tensor gradients = arena.allocate(DType.F32, 16);
      for (int step = 0; step < RATES.length; step++) {
        gradients.set(GRADIENTS[step]);
        double norm = Math.sqrt(vectors.squaredNorm(gradients));
        assertEquals(NORMS[step], norm, 1e-6);
        optimizer.step(parameters, gradients, RATES[step], GradientClipping.factor(1.0, norm));
        assertArrayEquals(PARAMETERS[step], parameters.toFloatArray(), 2e-7f, "step " + step);
      }
      assertEquals(RATES.length, optimizer.steps());
      assertArrayEquals(FIRST, Arrays.copyOf(optimizer.firstMoments().toFloatArray(), 13), 1e-8f);
      assertArrayEquals(SECOND, Arrays.copyOf(optimizer.secondMoments().toFloatArray(), 13), 1e-8f);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,0", "0,1", "13,207", "1024,1", "1023,4098", "65536,65537", "200001,70000"})
  void shouldEqualThePlainTwinToTheBitOnAnyNumberOfThreads(int decayed, int plain) {
    int size = decayed + plain;
    Random random = new Random(size);
    float[] start = normal(random, size);
    float[][] gradients = {normal(random, size), normal(random, size), normal(random, size)};
    PlainAdamW twin = new PlainAdamW(OPTIONS, start, decayed);
    for (int step = 0; step < gradients.length; step++) {
      twin.step(gradients[step], RATES[step], 0.37);
    }
    for (int threads : new int[] {1, 2, 5}) {
      try (Arena arena = new Arena("test");
          CpuVectors vectors = new CpuVectors(threads);
          AdamW optimizer = new AdamW(layout(decayed, plain), OPTIONS, vectors)) {
        Tensor parameters = arena.allocate(DType.F32, size).set(start);
        Tensor gradient = arena.allocate(DType.F32, size);
        for (int step = 0; step < gradients.length; step++) {
          optimizer.step(parameters, gradient.set(gradients[step]), RATES[step], 0.37);
        }
        assertArrayEquals(twin.parameters, parameters.toFloatArray());
        assertArrayEquals(twin.first, optimizer.firstMoments().toFloatArray());
        assertArrayEquals(twin.second, optimizer.secondMoments().toFloatArray());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 13, 207, 4098, 65536, 65537, 300007})
  void shouldSumSquaresTheSameOnAnyNumberOfThreads(int size) {
    float[] values = normal(new Random(size), size);
    double expected = 0;
    for (float value : values) {
      expected += (double) value * value;
    }
    try (Arena arena = new Arena("test");
        CpuVectors one = new CpuVectors(1);
        CpuVectors three = new CpuVectors(3)) {
      Tensor vector = arena.allocate(DType.F32, size).set(values);
      assertEquals(expected, one.squaredNorm(vector), 1e-12 * expected);
      assertEquals(one.squaredNorm(vector), three.squaredNorm(vector));
    }
  }

  @Test
  void shouldClipOnlyWhatIsLonger() {
    assertEquals(1.0, GradientClipping.factor(1.0, 0.5));
    assertEquals(1.0 / (4.0 + 1e-6), GradientClipping.factor(1.0, 4.0));
    assertEquals(1.0, GradientClipping.factor(0.0, 1e9));
  }

  @Test
  void shouldReportEveryBadOptionAtOnce() {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> new AdamWOptions(1.0, Double.NaN, 0, -1));
    assertEquals(ErrorCode.INVALID_SPEC, e.code());
    assertEquals(
        "adam_beta1 must be in [0, 1), not 1.0; adam_beta2 must be in [0, 1), not NaN;"
            + " adam_epsilon must be positive, not 0.0; weight_decay must not be negative, it is"
            + " -1.0.",
        e.getMessage());
  }

  @Test
  void shouldHaveTheDocumentedDefaults() {
    assertEquals(new AdamWOptions(0.9, 0.999, 1e-8, 0.0), AdamWOptions.DEFAULTS);
  }

  static float[] normal(Random random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static ParameterLayout layout(int decayed, int plain) {
    ParameterLayout layout = new ParameterLayout();
    if (decayed > 0) {
      layout.add("decayed", true, decayed);
    }
    if (plain > 0) {
      layout.add("plain", false, plain);
    }
    return layout;
  }

  /** The formulas, one element at a time. */
  private static final class PlainAdamW {
    private final AdamWOptions options;
    private final int decayed;
    private final float[] parameters;
    private final float[] first;
    private final float[] second;
    private int steps;

    PlainAdamW(AdamWOptions options, float[] start, int decayed) {
      this.options = options;
      this.decayed = decayed;
      this.parameters = start.clone();
      this.first = new float[start.length];
      this.second = new float[start.length];
    }

    void step(float[] gradients, double rate, double scale) {
      steps++;
      float rootCorrection = (float) Math.sqrt(1 - StrictMath.pow(options.beta2(), steps));
      float stepSize = (float) (rate / (1 - StrictMath.pow(options.beta1(), steps)));
      for (int i = 0; i < parameters.length; i++) {
        float g = gradients[i] * (float) scale;
        first[i] = first[i] + (float) (1 - options.beta1()) * (g - first[i]);
        second[i] = (float) options.beta2() * second[i] + (float) (1 - options.beta2()) * g * g;
        float decay = i < decayed ? (float) (1 - rate * options.weightDecay()) : 1f;
        float denominator =
            (float) Math.sqrt(second[i]) / rootCorrection + (float) options.epsilon();
        parameters[i] = parameters[i] * decay - stepSize * first[i] / denominator;
      }
    }
  }
}
