package org.sparktune.trainer.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.model.Architecture;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.RandomWeights;
import org.sparktune.trainer.model.RopeScaling;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientClipping;

/**
 * One LoRA step (r = 8 on all linear modules) on random weights, timed like the peer's script: one
 * step to warm up, then the median of five, one JSON line. More warm-up steps may be asked for,
 * because a JVM compiles while it runs.
 *
 * <p>Arguments: {@code qwen2-50m|qwen2-0.5b fp32|bf16 BATCH LENGTH [WARM_UP_STEPS]}.
 */
public final class LoraStepBenchmark {
  private static final int THREADS = 2;
  private static final int STEPS = 5;
  private static final double LEARNING_RATE = 1e-4;

  private LoraStepBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] arguments) throws IOException {
    String shape = arguments[0];
    String type = arguments[1];
    int batchSize = Integer.parseInt(arguments[2]);
    int length = Integer.parseInt(arguments[3]);
    int warmUp = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 1;
    Engine.Precision precision = type.equals("bf16") ? Engine.Precision.BF16 : Engine.Precision.F32;
    DecoderConfig config = config(shape);
    Tuning tuning = new Tuning.Lora(LoraConfig.of(8, 16, new TargetModules.AllLinear()), 0);
    try (Engine engine = CpuEngines.open(precision, THREADS);
        Decoder decoder = Decoder.load(config, new RandomWeights(config, 0), engine, tuning)) {
      double[] seconds =
          time(new DecoderTrainable(decoder), batch(config, batchSize, length), warmUp);
      Arrays.sort(seconds);
      double median = seconds[seconds.length / 2];
      System.out.printf(
          Locale.ROOT,
          "{\"model\": \"%s\", \"dtype\": \"%s\", \"batch\": %d, \"length\": %d, "
              + "\"engine\": \"%s\", \"step_s\": %.3f, \"tokens_per_s\": %.1f, \"peak_rss_gb\": %.2f}%n",
          shape,
          type,
          batchSize,
          length,
          engine.description(),
          median,
          batchSize * length / median,
          peakResidentGibibytes());
    }
  }

  private static double[] time(DecoderTrainable trainable, Batch batch, int warmUp) {
    double[] seconds = new double[STEPS];
    int tokens = batch.validTokens();
    try (CpuVectors vectors = new CpuVectors(THREADS);
        AdamW optimizer = new AdamW(trainable.layout(), AdamWOptions.DEFAULTS, vectors)) {
      for (int step = -warmUp; step < STEPS; step++) {
        long start = System.nanoTime();
        trainable.gradients().zero();
        trainable.accumulate(batch, 1.0 / tokens);
        double norm = Math.sqrt(vectors.squaredNorm(trainable.gradients()));
        optimizer.step(
            trainable.parameters(),
            trainable.gradients(),
            LEARNING_RATE,
            GradientClipping.factor(1.0, norm));
        trainable.parametersChanged();
        if (step >= 0) {
          seconds[step] = (System.nanoTime() - start) * 1e-9;
        }
      }
    }
    return seconds;
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

  private static DecoderConfig config(String shape) {
    return switch (shape) {
      case "qwen2-50m" -> qwen2(32_000, 512, 1_536, 8, 8, 2);
      case "qwen2-0.5b" -> qwen2(151_936, 896, 4_864, 24, 14, 2);
      default -> throw new IllegalArgumentException("Unknown shape " + shape);
    };
  }

  private static DecoderConfig qwen2(
      int vocabulary, int hidden, int feedForward, int layers, int heads, int keyValueHeads) {
    return new DecoderConfig(
        Architecture.QWEN2,
        vocabulary,
        hidden,
        feedForward,
        layers,
        heads,
        keyValueHeads,
        hidden / heads,
        4_096,
        1e-6f,
        true,
        true,
        false,
        false,
        DecoderConfig.noWindows(layers),
        10_000,
        new RopeScaling.None());
  }

  /** The largest resident set of this process so far, as Linux reports it. */
  private static double peakResidentGibibytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / (double) (1 << 20);
      }
    }
    return Double.NaN;
  }
}
