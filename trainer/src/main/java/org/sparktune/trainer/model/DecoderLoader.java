package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * Brings a model's tensors into an engine, one group of modules at a time: besides the engine's own
 * copy no more than one group is in memory.
 */
final class DecoderLoader {
  private final DecoderPlan plan;
  private final WeightSource source;
  private final Engine engine;
  private final EngineLoading loading;
  private final QuantizedLoading quantized;
  private final TrainedParameters trained;
  private final DType frozenType;

  DecoderLoader(DecoderPlan plan, WeightSource source, Engine engine) {
    this.plan = plan;
    this.source = source;
    this.engine = engine;
    this.loading = new EngineLoading(engine);
    this.quantized = new QuantizedLoading(source, engine, plan.tuning().base());
    this.trained = new TrainedParameters(plan.layout(), engine);
    this.frozenType =
        switch (engine.precision()) {
          case F32 -> DType.F32;
          case BF16 -> DType.BF16;
        };
  }

  /** Loads everything; LoRA factors get their first values. */
  DecoderWeights load() {
    DecoderConfig config = plan.config();
    String embeddingName = DecoderPlan.EMBEDDING + ".weight";
    String headName = DecoderPlan.HEAD + ".weight";
    long[] tableShape = {config.vocabularySize(), config.hiddenSize()};
    Tensor embedding;
    Tensor dEmbedding = null;
    if (plan.trainsEmbedding()) {
      embedding = trained.value(embeddingName);
      dEmbedding = trained.gradient(embeddingName);
    } else {
      embedding = engine.allocate(frozenType, tableShape);
    }
    read(embeddingName, embedding);
    Weight head = null;
    Tensor dHead = null;
    if (!plan.hasScoreHead() && plan.sharesHead()) {
      dHead = dEmbedding;
      head = plan.trainsEmbedding() ? tracked(embedding) : engine.freeze(embedding);
    } else if (!plan.hasScoreHead()) {
      String stored = config.tiedEmbeddings() ? embeddingName : headName;
      if (plan.trainsHead()) {
        Tensor value = trained.value(headName);
        read(stored, value);
        head = tracked(value);
        dHead = trained.gradient(headName);
      } else {
        head = frozen(List.of(stored), tableShape[0], tableShape[1]);
      }
    }
    boolean trainedBefore = plan.trainsEmbedding();
    List<DecoderLayer> layers = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      DecoderLayer loaded = layer(layer, trainedBefore);
      layers.add(loaded);
      trainedBefore = loaded.trainedUpToHere();
    }
    Norm finalNorm = norm(DecoderPlan.FINAL_NORM, config.hiddenSize());
    ValueHead valueHead = plan.hasValueHead() ? new ValueHead(engine, trained) : null;
    DocumentHead scoreHead = plan.hasScoreHead() ? scoreHead() : null;
    return new DecoderWeights(
        embedding, dEmbedding, layers, finalNorm, head, dHead, valueHead, scoreHead, trained);
  }

  /** A head that nobody has trained yet starts at 0: all documents score alike. */
  private DocumentHead scoreHead() {
    if (plan.tuning() instanceof Tuning.Lora lora
        && !lora.heads().equals(List.of(ScoreHead.MODULE))) {
      List<DocumentHead> heads = new ArrayList<>();
      for (String module : lora.heads()) {
        heads.add(
            HeadNames.isAttention(module)
                ? attentionHead(module, lora.seed())
                : linearHead(module, lora.seed()));
      }
      return heads.size() == 1 ? heads.get(0) : new EnsembleHead(heads);
    }
    String name = ScoreHead.WEIGHT;
    boolean trains = trained.has(name);
    if (!trains && !source.has(name)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The model has no score head: there is no tensor %s.".formatted(name),
          "Use a reward model: the folder or the adapter that a reward_model task made.");
    }
    Tensor weight =
        trains ? trained.value(name) : engine.allocate(DType.F32, 1, plan.config().hiddenSize());
    if (source.has(name)) {
      read(name, weight);
    }
    return new ScoreHead(engine, weight, trains ? trained.gradient(name) : null);
  }

  private AttentionHead attentionHead(String module, long seed) {
    AttentionHead head = new AttentionHead(engine, trained, module, plan.config().hiddenSize());
    head.initialize(loading, seed);
    return head;
  }

  /** One of several, which would stay alike if they began alike. */
  private ScoreHead linearHead(String module, long seed) {
    String name = module + ".weight";
    SplittableRandom random = new SplittableRandom(seed * 31 + name.hashCode());
    double bound = 1 / Math.sqrt(plan.config().hiddenSize());
    loading.fill(
        trained.value(name),
        host -> {
          for (long i = 0; i < host.size(); i++) {
            host.setFloat(i, (float) ((2 * random.nextDouble() - 1) * bound));
          }
        });
    return new ScoreHead(engine, trained.value(name), trained.gradient(name));
  }

  private DecoderLayer layer(int index, boolean trainedBefore) {
    DecoderConfig config = plan.config();
    DecoderPlan.LayerPlan layer = plan.layers().get(index);
    boolean headNorms = config.architecture().queryKeyNorm();
    DecoderLayer.Norms norms =
        new DecoderLayer.Norms(
            norm(layer.inputNorm(), config.hiddenSize()),
            norm(layer.feedForwardNorm(), config.hiddenSize()),
            headNorms ? norm(layer.queryNorm(), config.headSize()) : null,
            headNorms ? norm(layer.keyNorm(), config.headSize()) : null);
    DecoderLayer.Groups groups =
        new DecoderLayer.Groups(
            group(layer.queryKeyValue()),
            group(layer.output()),
            group(layer.gateUp()),
            group(layer.down()));
    return new DecoderLayer(engine, config, index, norms, groups, trainedBefore);
  }

  private Norm norm(String module, int size) {
    String name = module + ".weight";
    Tensor gradient = trained.has(name) ? trained.gradient(name) : null;
    Tensor weight = trained.has(name) ? trained.value(name) : engine.allocate(DType.F32, size);
    read(name, weight);
    return new Norm(weight, gradient, plan.config().normEpsilon());
  }

  private ProjectionGroup group(GroupPlan group) {
    List<ProjectionGroup.Base> bases = new ArrayList<>();
    Tensor rowSquares = group.decomposed() ? engine.allocate(DType.F32, group.out()) : null;
    for (List<GroupPlan.Module> run : group.runs()) {
      bases.add(base(group, run, rowSquares));
    }
    ProjectionGroup.Factors factors = factors(group);
    Dora dora = null;
    if (group.decomposed()) {
      if (bases.size() != 1) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "DoRA on some of %s while others are trained whole is not supported."
                .formatted(group.modules().stream().map(GroupPlan.Module::name).toList()),
            "Leave modules_to_save to other modules.");
      }
      dora = dora(group, bases.get(0).weight(), rowSquares, factors);
    }
    long salt = group.modules().get(0).name().hashCode() * 0x9E3779B97F4A7C15L;
    return new ProjectionGroup(engine, group, bases, factors, dora, salt);
  }

  private ProjectionGroup.Base base(
      GroupPlan group, List<GroupPlan.Module> run, Tensor rowSquares) {
    GroupPlan.Module first = run.get(0);
    long out = run.stream().mapToLong(GroupPlan.Module::out).sum();
    List<String> weights = run.stream().map(GroupPlan.Module::weight).toList();
    List<String> biases = run.stream().map(GroupPlan.Module::biasName).toList();
    if (!first.trained()) {
      Tensor bias = first.bias() ? engine.allocate(DType.F32, out) : null;
      if (bias != null) {
        readInto(biases, bias);
      }
      requireShapes(weights, out, group.in());
      Weight weight =
          quantized
              .load(weights, rowSquares)
              .orElseGet(
                  () ->
                      plan.tuning() instanceof Tuning.Nothing
                          ? frozen(weights, out, group.in(), rowSquares)
                          : frozenForTraining(weights, out, group.in(), rowSquares));
      return new ProjectionGroup.Base(weight, bias, null, null);
    }
    Tensor value = trained.valuesFrom(first.weight(), out, group.in());
    readInto(weights, value);
    Tensor bias = first.bias() ? trained.valuesFrom(first.biasName(), out) : null;
    if (bias != null) {
      readInto(biases, bias);
    }
    return new ProjectionGroup.Base(
        tracked(value),
        bias,
        trained.gradientsFrom(first.weight(), out, group.in()),
        first.bias() ? trained.gradientsFrom(first.biasName(), out) : null);
  }

  private Weight tracked(Tensor matrix) {
    return engine.track(matrix, engine.copiesTracked(plan.layout().size()));
  }

  private Weight frozen(List<String> names, long out, long in) {
    return frozen(names, out, in, null);
  }

  /** Several matrices on top of each other as one frozen weight. */
  private Weight frozen(List<String> names, long out, long in, Tensor rowSquares) {
    if (engine.retainsSource()) {
      return engine.freeze(stacked(names, engine.allocate(frozenType, out, in), rowSquares));
    }
    try (Arena transfer = new Arena("weights on their way to the engine")) {
      return engine.freeze(stacked(names, transfer.allocate(frozenType, out, in), rowSquares));
    }
  }

  private Weight frozenForTraining(List<String> names, long out, long in, Tensor rowSquares) {
    try (Arena transfer = new Arena("weights on their way to the engine")) {
      Tensor matrix = transfer.allocate(frozenType, out, in);
      return engine.freezeForTraining(stacked(names, matrix, rowSquares));
    }
  }

  private Tensor stacked(List<String> names, Tensor matrix, Tensor rowSquares) {
    loading.fill(
        matrix,
        host -> {
          read(names, host);
          if (rowSquares != null) {
            engine.set(rowSquares, EngineLoading.rowSquares(host));
          }
        });
    return matrix;
  }

  /** Reads tensors one after another into consecutive rows (or elements). */
  private void readInto(List<String> names, Tensor whole) {
    loading.fill(whole, host -> read(names, host));
  }

  private void read(List<String> names, Tensor whole) {
    long offset = 0;
    for (String name : names) {
      long[] shape = requireShape(name, whole);
      Tensor part = whole.view(offset, shape);
      source.read(name, part);
      offset += part.size();
    }
    if (offset != whole.size()) {
      throw misfit(String.join(", ", names), "%d elements".formatted(offset), whole.shape());
    }
  }

  private void read(String name, Tensor destination) {
    readInto(List.of(name), destination);
  }

  /** Fails unless matrices that lie on top of each other have the rows and columns wanted. */
  private void requireShapes(List<String> names, long out, long in) {
    long rows = 0;
    for (String name : names) {
      long[] shape = source.shape(name);
      if (shape.length != 2 || shape[1] != in) {
        throw misfit(name, "shape " + Arrays.toString(shape), new long[] {out, in});
      }
      rows += shape[0];
    }
    if (rows != out) {
      throw misfit(String.join(", ", names), "%d rows".formatted(rows), new long[] {out, in});
    }
  }

  private long[] requireShape(String name, Tensor whole) {
    long[] shape = source.shape(name);
    boolean matrix = whole.shape().length == 2;
    boolean fits =
        shape.length == whole.shape().length
            && (matrix
                ? shape[1] == whole.columns() && shape[0] <= whole.rows()
                : shape[0] <= whole.size());
    if (!fits) {
      throw misfit(name, "shape " + Arrays.toString(shape), whole.shape());
    }
    return shape;
  }

  private static SparktuneException misfit(String name, String actual, long[] expected) {
    return new SparktuneException(
        ErrorCode.MISMATCH,
        "The tensor %s has %s where the configuration asks for %s."
            .formatted(name, actual, Arrays.toString(expected)),
        "Use the weights and the config.json of the same model.");
  }

  private ProjectionGroup.Factors factors(GroupPlan group) {
    if (!group.adapted()) {
      return null;
    }
    List<ProjectionGroup.Up> ups = new ArrayList<>();
    String first = null;
    for (int block = 0; block < group.modules().size(); block++) {
      GroupPlan.Module module = group.modules().get(block);
      if (module.rank() > 0) {
        first = first == null ? module.down() : first;
        loading.fill(
            trained.value(module.down()),
            host -> LoraInitializer.initialize(host, module, plan.tuning()));
        ups.add(
            new ProjectionGroup.Up(
                block,
                trained.value(module.up()),
                trained.gradient(module.up()),
                (float) module.scale()));
      }
    }
    return new ProjectionGroup.Factors(
        trained.valuesFrom(first, group.rank(), group.in()),
        trained.gradientsFrom(first, group.rank(), group.in()),
        ups);
  }

  private Dora dora(
      GroupPlan group, Weight weight, Tensor rowSquares, ProjectionGroup.Factors factors) {
    List<Dora.Part> parts = new ArrayList<>();
    int column = 0;
    int rank = 0;
    for (GroupPlan.Module module : group.modules()) {
      if (module.rank() > 0) {
        parts.add(
            new Dora.Part(
                column,
                factors.ups().get(parts.size()),
                rank,
                trained.value(module.magnitude()),
                trained.gradient(module.magnitude())));
      }
      column += module.out();
      rank += module.rank();
    }
    Dora dora = new Dora(engine, weight, rowSquares, factors.down(), parts);
    dora.initializeMagnitudes();
    return dora;
  }
}
