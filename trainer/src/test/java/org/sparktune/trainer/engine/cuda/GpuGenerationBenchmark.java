package org.sparktune.trainer.engine.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.Generator;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.SamplingOptions;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;

/**
 * Generation on a GPU in BF16, of random weights and prompts: new tokens a second, the median of
 * some rounds, each with its prompts' pass. Not a test: run {@code main}.
 *
 * <p>Arguments: {@code SHAPE base|lora greedy|sampled SEQUENCES PROMPT NEW [ROUNDS]}, {@code SHAPE}
 * as {@link GpuStepBenchmark}'s.
 */
public final class GpuGenerationBenchmark {
  private static final int WARM_UP = 2;

  private GpuGenerationBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] arguments) {
    DecoderConfig config = GpuStepBenchmark.config(arguments[0]);
    Tuning tuning =
        arguments[1].equals("lora")
            ? new Tuning.Lora(LoraConfig.of(16, 32, new TargetModules.AllLinear()), 0)
            : new Tuning.Nothing(false);
    int added = Integer.parseInt(arguments[5]);
    SamplingOptions sampling =
        arguments[2].equals("greedy")
            ? SamplingOptions.greedy(added)
            : new SamplingOptions(added, 1, 0, 1, 0, 1, 1);
    List<int[]> prompts = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
      int length = Integer.parseInt(arguments[4]);
      prompts.add(random.ints(length, 0, config.vocabularySize()).toArray());
    }
    int rounds = arguments.length > 6 ? Integer.parseInt(arguments[6]) : 5;
    Device device = Device.open(0);
    try (QuickWeights weights = new QuickWeights(config);
        Engine engine = new CudaEngine(device, Engine.Precision.BF16);
        Decoder decoder = Decoder.load(config, weights, engine, tuning)) {
      double[] seconds = new double[rounds];
      for (int round = -WARM_UP; round < rounds; round++) {
        long start = System.nanoTime();
        new Generator(decoder).generate(prompts, sampling, Set.of(), (sequence, token) -> {});
        device.synchronize();
        if (round >= 0) {
          seconds[round] = (System.nanoTime() - start) / 1e9;
        }
      }
      Arrays.sort(seconds);
      double tokens = (double) prompts.size() * added;
      System.out.printf(
          Locale.ROOT,
          "{\"program\": \"sparktune\", \"generate\": \"%s\", \"s\": %.3f, \"s_min\": %.3f,"
              + " \"s_max\": %.3f, \"tok_s\": %.0f, \"mem_gb\": %.1f}%n",
          String.join(" ", arguments),
          seconds[rounds / 2],
          seconds[0],
          seconds[rounds - 1],
          tokens / seconds[rounds / 2],
          device.peakBytes() / (double) (1L << 30));
    }
  }
}
