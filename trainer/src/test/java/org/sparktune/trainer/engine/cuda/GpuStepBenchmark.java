package org.sparktune.trainer.engine.cuda;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.model.Architecture;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.model.RopeScaling;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientClipping;

/**
 * Training steps on a GPU in BF16, of random weights and tokens, as the peer's script makes them:
 * forward, backward, clipping, AdamW; the median step and the most memory. Not a test: run {@code
 * main}.
 *
 * <p>Arguments: {@code qwen2-0.5b|qwen2-1.5b|llama3-8b|llama3-70b lora|qlora|fp8|full BATCH LENGTH
 * [STEPS [profile]]}. {@code lora} is r = 16 on all seven linear modules of a block, {@code qlora}
 * the same on a base in NF4 with double quantization, {@code fp8} on one in E4M3.
 */
public final class GpuStepBenchmark {
  private static final int WARM_UP = 3;
  private static final double LEARNING_RATE = 1e-4;

  private GpuStepBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] arguments) {
    final long begun = System.nanoTime();
    DecoderConfig config = config(arguments[0]);
    Batch batch = batch(config, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
    int steps = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 10;
    Tuning tuning = tuning(arguments[1]);
    Device device = Device.open(0);
    try (QuickWeights weights = new QuickWeights(config);
        Engine engine = new CudaEngine(device, Engine.Precision.BF16);
        OperatorTimes times = new OperatorTimes(device);
        Decoder decoder =
            Decoder.load(
                config, weights, arguments.length > 5 ? times.of(engine) : engine, tuning);
        AdamW optimizer =
            new AdamW(new DecoderTrainable(decoder).layout(), AdamWOptions.DEFAULTS, engine)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      BatchSize size =
          new BatchSize(Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
      MemoryEstimate estimate = MemoryEstimate.training(config, tuning, size, engine.footprint());
      System.out.printf(
          Locale.ROOT,
          "estimated %.1f GiB: %s; loaded in %.1f s%n",
          estimate.total() / (double) (1L << 30),
          estimate.describe(),
          (System.nanoTime() - begun) / 1e9);
      double[] milliseconds = new double[steps];
      for (int step = -WARM_UP; step < steps; step++) {
        times.clear();
        long start = System.nanoTime();
        double loss = step(trainable, optimizer, batch, engine);
        long queued = System.nanoTime();
        device.synchronize();
        double taken = (System.nanoTime() - start) / 1e6;
        if (step >= 0) {
          milliseconds[step] = taken;
        }
        if (step < 1) {
          System.out.printf(
              Locale.ROOT,
              "step %d: %.1f ms (queued in %.1f), loss %.4f, %.1f s after the start%n",
              step,
              taken,
              (queued - start) / 1e6,
              loss,
              (System.nanoTime() - begun) / 1e9);
        }
      }
      Arrays.sort(milliseconds);
      double median = milliseconds[steps / 2];
      System.out.printf(
          Locale.ROOT,
          "{\"program\": \"sparktune\", \"model\": \"%s\", \"mode\": \"%s\", \"B\": %s, \"T\": %s,"
              + " \"ms\": %.1f, \"ms_min\": %.1f, \"ms_max\": %.1f, \"tok_s\": %.0f,"
              + " \"mem_gb\": %.1f}%n",
          arguments[0],
          arguments[1],
          arguments[2],
          arguments[3],
          median,
          milliseconds[0],
          milliseconds[steps - 1],
          batch.tokens().length / median * 1e3,
          device.peakBytes() / (double) (1L << 30));
      times.print();
    }
  }

  private static Tuning tuning(String mode) {
    LoraConfig lora = LoraConfig.of(16, 32, new TargetModules.AllLinear());
    return switch (mode) {
      case "lora" -> new Tuning.Lora(lora, 0);
      case "qlora" -> new Tuning.Lora(lora, 0, false, QuickWeights.STORAGE);
      case "fp8" -> new Tuning.Lora(lora, 0, false, new BaseStorage.EightBits());
      case "full" -> Tuning.Full.everything();
      default -> throw new IllegalArgumentException("Unknown mode " + mode);
    };
  }

  private static double step(
      DecoderTrainable trainable, AdamW optimizer, Batch batch, Engine engine) {
    int tokens = batch.validTokens();
    engine.zero(trainable.gradients());
    double loss = trainable.accumulate(batch, 1.0 / tokens).sum() / tokens;
    double norm = Math.sqrt(engine.squaredNorm(trainable.gradients()));
    optimizer.step(
        trainable.parameters(),
        trainable.gradients(),
        LEARNING_RATE,
        GradientClipping.factor(1.0, norm));
    trainable.parametersChanged();
    return loss;
  }

  private static Batch batch(DecoderConfig config, int size, int length) {
    SplittableRandom random = new SplittableRandom(1);
    int[] tokens = random.ints((long) size * length, 0, config.vocabularySize()).toArray();
    int[] targets =
        IntStream.range(0, tokens.length)
            .map(i -> (i + 1) % length == 0 ? Batch.IGNORED : tokens[i + 1])
            .toArray();
    int[] starts = IntStream.rangeClosed(0, size).map(i -> i * length).toArray();
    return new Batch(tokens, targets, starts);
  }

  static DecoderConfig config(String shape) {
    return switch (shape) {
      case "qwen2-0.5b" -> qwen2(896, 4_864, 24, 14);
      case "qwen2-1.5b" -> qwen2(1_536, 8_960, 28, 12);
      case "llama3-8b" ->
          config(Architecture.LLAMA, 128_256, 4_096, 14_336, 32, 32, 8, false, false, 5e5);
      case "llama3-70b" ->
          config(Architecture.LLAMA, 128_256, 8_192, 28_672, 80, 64, 8, false, false, 5e5);
      default -> throw new IllegalArgumentException("Unknown shape " + shape);
    };
  }

  private static DecoderConfig qwen2(int hidden, int feedForward, int layers, int heads) {
    return config(
        Architecture.QWEN2, 151_936, hidden, feedForward, layers, heads, 2, true, true, 1e6);
  }

  private static DecoderConfig config(
      Architecture architecture,
      int vocabulary,
      int hidden,
      int feedForward,
      int layers,
      int heads,
      int keyValueHeads,
      boolean tied,
      boolean biases,
      double ropeBase) {
    return new DecoderConfig(
        architecture,
        vocabulary,
        hidden,
        feedForward,
        layers,
        heads,
        keyValueHeads,
        hidden / heads,
        4_096,
        1e-6f,
        tied,
        biases,
        false,
        false,
        DecoderConfig.noWindows(layers),
        ropeBase,
        new RopeScaling.None());
  }
}
