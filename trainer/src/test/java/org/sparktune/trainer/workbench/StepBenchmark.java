package org.sparktune.trainer.workbench;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Architecture;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.RopeScaling;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * Tokens per second of LoRA training steps (rank 8 on all linear modules) on random weights, and
 * where the time goes. Not a test: run {@code main}.
 *
 * <p>Usage: {@code StepBenchmark qwen2-50m|qwen2-0.5b fp32|bf16 BATCH LENGTH [profile]}
 */
public final class StepBenchmark {
  private static final int STEPS = 5;

  private StepBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] arguments) throws IOException {
    DecoderConfig config =
        switch (arguments[0]) {
          case "qwen2-0.5b" -> config(151936, 896, 4864, 24, 14);
          case "qwen2-50m" -> config(32000, 512, 1536, 8, 8);
          default -> throw new IllegalArgumentException(arguments[0]);
        };
    int batch = Integer.parseInt(arguments[2]);
    int length = Integer.parseInt(arguments[3]);
    boolean profiled = arguments.length > 4;
    try (Engine engine = Engines.open(arguments[1], Engines.defaultThreads(), "cpu")) {
      Map<String, long[]> times = new TreeMap<>();
      Tuning tuning = new Tuning.Lora(LoraConfig.of(8, 16, new TargetModules.AllLinear()), 1);
      Engine seen = profiled ? timed(engine, times) : engine;
      try (Decoder decoder = Decoder.load(config, weights(config), seen, tuning)) {
        DecoderTrainable trainable = new DecoderTrainable(decoder);
        Batch tokens = batch(config, batch, length);
        double[] seconds = new double[STEPS];
        for (int step = -2; step < STEPS; step++) {
          if (step == 0) {
            times.clear();
          }
          long start = System.nanoTime();
          long processor = processorNanos();
          trainable.gradients().zero();
          double sum = trainable.accumulate(tokens, 1.0 / tokens.validTokens()).sum();
          trainable.parametersChanged();
          double taken = (System.nanoTime() - start) / 1e9;
          double used = (processorNanos() - processor) / 1e9;
          System.out.printf(
              "step %d: %.3f s (processors %.3f s), loss %.4f%n",
              step, taken, used, sum / tokens.validTokens());
          if (step >= 0) {
            seconds[step] = taken;
          }
        }
        Arrays.sort(seconds);
        double median = seconds[STEPS / 2];
        System.out.printf(
            "{\"model\": \"%s\", \"dtype\": \"%s\", \"batch\": %d, \"length\": %d, \"step_s\": %.3f,"
                + " \"tokens_per_s\": %.1f, \"peak_rss_gb\": %.2f}%n",
            arguments[0],
            arguments[1],
            batch,
            length,
            median,
            batch * length / median,
            peakGigabytes());
        times.forEach(
            (name, time) ->
                System.out.printf(
                    "%-28s %9.1f ms/step, processors %9.1f ms/step %7d calls%n",
                    name, time[0] / 1e6 / STEPS, time[2] / 1e6 / STEPS, time[1] / STEPS));
      }
    }
  }

  private static DecoderConfig config(
      int vocabulary, int hidden, int feedForward, int layers, int heads) {
    return new DecoderConfig(
        Architecture.QWEN2,
        vocabulary,
        hidden,
        feedForward,
        layers,
        heads,
        2,
        hidden / heads,
        4096,
        1e-6f,
        true,
        true,
        false,
        false,
        DecoderConfig.noWindows(layers),
        1e6,
        new RopeScaling.None());
  }

  private static WeightSource weights(DecoderConfig config) {
    return new RandomWeights(
        name -> {
          String module = name.substring(0, name.lastIndexOf('.'));
          long hidden = config.hiddenSize();
          long out =
              switch (module.substring(module.lastIndexOf('.') + 1)) {
                case "embed_tokens" -> config.vocabularySize();
                case "q_proj" -> config.queryColumns();
                case "k_proj", "v_proj" -> config.keyColumns();
                case "gate_proj", "up_proj" -> config.feedForwardSize();
                default -> hidden;
              };
          if (name.endsWith(".bias") || module.endsWith("norm")) {
            return new long[] {out};
          }
          return new long[] {out, module.endsWith("down_proj") ? config.feedForwardSize() : hidden};
        });
  }

  private static Batch batch(DecoderConfig config, int rows, int length) {
    SplittableRandom random = new SplittableRandom(7);
    int[] tokens = random.ints((long) rows * length, 0, config.vocabularySize()).toArray();
    int[] targets = new int[tokens.length];
    int[] starts = new int[rows + 1];
    for (int i = 0; i < tokens.length; i++) {
      targets[i] = (i + 1) % length == 0 ? Batch.IGNORED : tokens[i + 1];
    }
    for (int row = 0; row <= rows; row++) {
      starts[row] = row * length;
    }
    return new Batch(tokens, targets, starts);
  }

  private static Engine timed(Engine engine, Map<String, long[]> times) {
    return (Engine)
        Proxy.newProxyInstance(
            Engine.class.getClassLoader(),
            new Class<?>[] {Engine.class},
            (proxy, method, parameters) -> {
              long start = System.nanoTime();
              long processor = processorNanos();
              try {
                return method.invoke(engine, parameters);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              } finally {
                long[] entry = times.computeIfAbsent(method.getName(), name -> new long[3]);
                entry[0] += System.nanoTime() - start;
                entry[1]++;
                entry[2] += processorNanos() - processor;
              }
            });
  }

  /** Processor time of all threads: what remains meaningful on a machine that others use too. */
  private static long processorNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static double peakGigabytes() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(text -> text.startsWith("VmHWM")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", "")) / 1048576.0;
    }
  }
}
