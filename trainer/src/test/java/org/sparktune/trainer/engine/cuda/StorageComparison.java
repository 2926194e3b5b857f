package org.sparktune.trainer.engine.cuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.GgufConfig;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientClipping;

/**
 * What holding the base in few bits does to loss and gradients, beside F32 in full. Not a test: run
 * {@code main} with {@code cuda|cpu STEPS MODEL.gguf TEXTS.jsonl} for a trained model and its
 * texts, or with {@code cuda|cpu 0 SHAPE} for random weights and tokens of a shape of {@link
 * GpuStepBenchmark}.
 */
public final class StorageComparison {
  private static final int ROWS = 16;
  private static final int LENGTH = 128;
  private static final double LEARNING_RATE = 1e-3;

  /** A way of computing. */
  private record Kind(String name, Engine.Precision precision, BaseStorage storage) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("F32", Engine.Precision.F32, BaseStorage.FULL),
          new Kind("BF16", Engine.Precision.BF16, BaseStorage.FULL),
          new Kind("BF16, fp8", Engine.Precision.BF16, new BaseStorage.EightBits()),
          new Kind("BF16, nf4", Engine.Precision.BF16, new BaseStorage.Nf4(false)),
          new Kind("BF16, nf4_double", Engine.Precision.BF16, new BaseStorage.Nf4(true)));

  private final boolean cuda;
  private final DecoderConfig config;
  private final WeightSource weights;
  private final List<Batch> batches;

  private StorageComparison(
      boolean cuda, DecoderConfig config, WeightSource weights, List<Batch> batches) {
    this.cuda = cuda;
    this.config = config;
    this.weights = weights;
    this.batches = batches;
  }

  /** Runs the comparison. */
  public static void main(String[] arguments) throws IOException {
    boolean cuda = arguments[0].equals("cuda");
    int steps = Integer.parseInt(arguments[1]);
    if (arguments.length == 3) {
      DecoderConfig config = GpuStepBenchmark.config(arguments[2]);
      try (QuickWeights weights = new QuickWeights(config)) {
        int[] ids = new SplittableRandom(1).ints(4L * LENGTH, 0, config.vocabularySize()).toArray();
        List<Batch> batches = List.of(batch(ids, 4));
        new StorageComparison(cuda, config, weights, batches).run(steps);
      }
      return;
    }
    Path path = Path.of(arguments[2]);
    try (GgufModel model = GgufModel.open(path)) {
      DecoderConfig config = GgufConfig.read(model.gguf(), model);
      List<Batch> batches = batches(Tokenizers.load(path), Path.of(arguments[3]));
      new StorageComparison(cuda, config, model, batches).run(steps);
    }
  }

  private void run(int steps) {
    float[] exact = null;
    for (Kind kind : KINDS) {
      try (Engine engine = open(kind.precision());
          Decoder decoder = Decoder.load(config, weights, engine, tuning(kind))) {
        DecoderTrainable trainable = new DecoderTrainable(decoder);
        float[] initial = engine.toArray(trainable.parameters());
        // B is 0 at first, and A would get no gradient.
        float[] moved = initial.clone();
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < moved.length; i++) {
          moved[i] += (float) (0.02 * random.nextDouble(-1, 1));
        }
        engine.set(trainable.parameters(), moved);
        trainable.parametersChanged();
        Batch batch = batches.get(0);
        double loss = trainable.accumulate(batch, 1.0 / batch.validTokens()).sum();
        float[] gradients = engine.toArray(trainable.gradients());
        exact = exact == null ? gradients : exact;
        engine.set(trainable.parameters(), initial);
        trainable.parametersChanged();
        System.out.printf(
            Locale.ROOT,
            "%-18s loss %.5f, gradients %.4f of their norm away, cosine %.5f%s%n",
            kind.name(),
            loss / batch.validTokens(),
            distance(exact, gradients),
            cosine(exact, gradients),
            steps == 0 ? "" : ", " + curve(trainable, engine, steps));
      }
    }
  }

  private Engine open(Engine.Precision precision) {
    return cuda ? Gpu.open(precision) : CpuEngines.open(precision, 2);
  }

  private static Tuning tuning(Kind kind) {
    LoraConfig lora = LoraConfig.of(16, 32, new TargetModules.AllLinear());
    return new Tuning.Lora(lora, 0, false, kind.storage());
  }

  private String curve(DecoderTrainable trainable, Engine engine, int steps) {
    double first = 0;
    double last = 0;
    int tenth = Math.max(1, steps / 10);
    try (AdamW optimizer = new AdamW(trainable.layout(), AdamWOptions.DEFAULTS, engine)) {
      for (int step = 0; step < steps; step++) {
        Batch batch = batches.get(step % batches.size());
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
        first += step < tenth ? loss / tenth : 0;
        last += step >= steps - tenth ? loss / tenth : 0;
      }
    }
    return "mean loss of the first and last tenth of %d steps %.5f, %.5f"
        .formatted(steps, first, last);
  }

  private static double distance(float[] exact, float[] other) {
    double difference = 0;
    for (int i = 0; i < exact.length; i++) {
      difference += ((double) exact[i] - other[i]) * ((double) exact[i] - other[i]);
    }
    return Math.sqrt(difference / dot(exact, exact));
  }

  private static double cosine(float[] exact, float[] other) {
    return dot(exact, other) / Math.sqrt(dot(exact, exact) * dot(other, other));
  }

  private static double dot(float[] first, float[] second) {
    double sum = 0;
    for (int i = 0; i < first.length; i++) {
      sum += (double) first[i] * second[i];
    }
    return sum;
  }

  /** All texts one behind the other, cut into rows. */
  private static List<Batch> batches(Tokenizer tokenizer, Path texts) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<Integer> ids = new ArrayList<>();
    for (String line : Files.readAllLines(texts)) {
      StringBuilder text = new StringBuilder();
      for (JsonNode value : json.readTree(line)) {
        text.append(value.asText()).append('\n');
      }
      for (int id : tokenizer.encode(text.toString(), false)) {
        ids.add(id);
      }
    }
    List<Batch> batches = new ArrayList<>();
    int size = ROWS * LENGTH;
    for (int at = 0; at + size <= ids.size(); at += size) {
      batches.add(batch(ids.subList(at, at + size).stream().mapToInt(id -> id).toArray(), ROWS));
    }
    return batches;
  }

  private static Batch batch(int[] ids, int rows) {
    int[] targets =
        IntStream.range(0, ids.length)
            .map(i -> (i + 1) % LENGTH == 0 ? Batch.IGNORED : ids[i + 1])
            .toArray();
    int[] starts = IntStream.rangeClosed(0, rows).map(row -> row * LENGTH).toArray();
    return new Batch(ids, targets, starts);
  }
}
