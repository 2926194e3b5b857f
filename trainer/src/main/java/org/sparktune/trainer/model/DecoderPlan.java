package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * A decoder before it has weights: its modules, and what of them is trained.
 *
 * @param config the shape
 * @param tuning what is trained
 * @param layers the blocks
 */
record DecoderPlan(DecoderConfig config, Tuning tuning, List<LayerPlan> layers) {
  static final String EMBEDDING = "model.embed_tokens";
  static final String FINAL_NORM = "model.norm";
  static final String HEAD = "lm_head";

  /** A block: its modules by where they read. */
  record LayerPlan(
      String name, GroupPlan queryKeyValue, GroupPlan output, GroupPlan gateUp, GroupPlan down) {

    String inputNorm() {
      return name + ".input_layernorm";
    }

    String feedForwardNorm() {
      return name + ".post_attention_layernorm";
    }

    String queryNorm() {
      return name + ".self_attn.q_norm";
    }

    String keyNorm() {
      return name + ".self_attn.k_norm";
    }

    List<GroupPlan> groups() {
      return List.of(queryKeyValue, output, gateUp, down);
    }
  }

  /** Lays the plan out. */
  static DecoderPlan of(DecoderConfig config, Tuning tuning) {
    if (tuning instanceof Tuning.Lora lora) {
      requireLinearTargets(config, lora.config().targets());
    }
    List<LayerPlan> layers = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      layers.add(layer(config, tuning, "model.layers." + layer));
    }
    DecoderPlan plan = new DecoderPlan(config, tuning, layers);
    if (!(tuning instanceof Tuning.Nothing) && plan.layout().size() == 0) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "No module of the model is trained: the target modules match none of its names.",
          "Its linear modules are %s.".formatted(linearNames(config)));
    }
    return plan;
  }

  /**
   * Refuses factors where none can be: a target that is left out in silence would not be missed.
   */
  private static void requireLinearTargets(DecoderConfig config, TargetModules targets) {
    if (targets instanceof TargetModules.AllLinear) {
      return;
    }
    for (String module : List.of(HEAD, EMBEDDING)) {
      if (targets.includes(module)) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "target_modules names %s, which cannot have LoRA factors.".formatted(module),
            "Train it whole with modules_to_save: [%s], or name only %s."
                .formatted(module.substring(module.indexOf('.') + 1), linearNames(config)));
      }
    }
  }

  private static LayerPlan layer(DecoderConfig config, Tuning tuning, String name) {
    String attention = name + ".self_attn.";
    String feedForward = name + ".mlp.";
    int hidden = config.hiddenSize();
    boolean bias = config.queryKeyValueBias();
    boolean feedForwardBias = config.feedForwardBias();
    List<GroupPlan.Module> queryKeyValue;
    List<GroupPlan.Module> gateUp;
    if (config.architecture().fusedProjections()) {
      int columns = config.queryColumns() + 2 * config.keyColumns();
      queryKeyValue = List.of(module(tuning, attention + "qkv_proj", columns, bias));
      gateUp =
          List.of(
              module(
                  tuning,
                  feedForward + "gate_up_proj",
                  2 * config.feedForwardSize(),
                  feedForwardBias));
    } else {
      queryKeyValue =
          List.of(
              module(tuning, attention + "q_proj", config.queryColumns(), bias),
              module(tuning, attention + "k_proj", config.keyColumns(), bias),
              module(tuning, attention + "v_proj", config.keyColumns(), bias));
      int columns = config.feedForwardSize();
      gateUp =
          List.of(
              module(tuning, feedForward + "gate_proj", columns, feedForwardBias),
              module(tuning, feedForward + "up_proj", columns, feedForwardBias));
    }
    GroupPlan.Module output = module(tuning, attention + "o_proj", hidden, config.outputBias());
    GroupPlan.Module down = module(tuning, feedForward + "down_proj", hidden, feedForwardBias);
    boolean dora = tuning instanceof Tuning.Lora lora && lora.config().useDora();
    return new LayerPlan(
        name,
        new GroupPlan(hidden, queryKeyValue, dora),
        new GroupPlan(config.queryColumns(), List.of(output), dora),
        new GroupPlan(hidden, gateUp, dora),
        new GroupPlan(config.feedForwardSize(), List.of(down), dora));
  }

  private static GroupPlan.Module module(Tuning tuning, String name, int out, boolean bias) {
    LoraConfig.Factors factors = tuning.factors(name).orElse(new LoraConfig.Factors(0, 0));
    return new GroupPlan.Module(
        name, out, bias, tuning.trains(name), factors.rank(), factors.scale());
  }

  private static String linearNames(DecoderConfig config) {
    return config.architecture().fusedProjections()
        ? "qkv_proj, o_proj, gate_up_proj and down_proj"
        : "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and down_proj";
  }

  boolean trainsEmbedding() {
    return tuning.trains(EMBEDDING);
  }

  /** Whether the head has a parameter of its own that is trained. */
  boolean trainsHead() {
    return !hasScoreHead() && !sharesHead() && tuning.trains(HEAD);
  }

  /**
   * Whether the head is the embedding table, also while training. A head or a table that is saved
   * whole in an adapter is a copy of its own, as in PEFT.
   */
  boolean sharesHead() {
    return config.tiedEmbeddings()
        && !(tuning instanceof Tuning.Lora && (tuning.trains(HEAD) || tuning.trains(EMBEDDING)));
  }

  /** Whether a critic is trained. */
  boolean hasValueHead() {
    return tuning instanceof Tuning.Lora lora && lora.valueHead();
  }

  /** Whether a score head stands in place of the language head. */
  boolean hasScoreHead() {
    return tuning.scoreHead();
  }

  double dropout() {
    return tuning instanceof Tuning.Lora lora ? lora.config().dropout() : 0;
  }

  /**
   * Whether nothing but products reads what the feed-forward part hands to them: no dropout, no
   * gain per column, no sums of columns for a trained bias.
   */
  boolean feedsProductsOnly() {
    return tuning instanceof Tuning.Lora lora
        && lora.config().dropout() == 0
        && !lora.config().useDora()
        && layers.stream()
            .flatMap(layer -> layer.groups().stream())
            .flatMap(group -> group.modules().stream())
            .noneMatch(GroupPlan.Module::trained);
  }

  /**
   * The trained parameters in forward order. What one product computes lies together: the weights
   * of neighbours, then their biases; the A factors of a group, then its B factors.
   */
  ParameterLayout layout() {
    ParameterLayout layout = new ParameterLayout();
    int hidden = config.hiddenSize();
    if (trainsEmbedding()) {
      layout.add(EMBEDDING + ".weight", tuning.decays(false), config.vocabularySize(), hidden);
    }
    for (LayerPlan layer : layers) {
      addNorm(layout, layer.inputNorm(), hidden);
      addGroup(layout, layer.queryKeyValue());
      if (config.architecture().queryKeyNorm()) {
        addNorm(layout, layer.queryNorm(), config.headSize());
        addNorm(layout, layer.keyNorm(), config.headSize());
      }
      addGroup(layout, layer.output());
      addNorm(layout, layer.feedForwardNorm(), hidden);
      addGroup(layout, layer.gateUp());
      addGroup(layout, layer.down());
    }
    addNorm(layout, FINAL_NORM, hidden);
    if (trainsHead()) {
      layout.add(HEAD + ".weight", tuning.decays(false), config.vocabularySize(), hidden);
    }
    if (tuning instanceof Tuning.Lora lora) {
      for (String module : lora.heads()) {
        if (HeadNames.isAttention(module)) {
          AttentionHead.addTo(layout, tuning, module, hidden);
        } else {
          layout.add(module + ".weight", tuning.decays(false), 1, hidden);
        }
      }
    } else if (hasScoreHead() && tuning.trains(ScoreHead.MODULE)) {
      layout.add(ScoreHead.WEIGHT, tuning.decays(false), 1, hidden);
    }
    if (hasValueHead()) {
      layout.add(ValueHead.WEIGHT, tuning.decays(false), 1, hidden);
      layout.add(ValueHead.BIAS, tuning.decays(true), 1, 1);
    }
    return layout;
  }

  /**
   * Where each block's trained parameters begin in the layout; if it has none, where those of the
   * next block do.
   */
  long[] blockStarts() {
    ParameterLayout layout = layout();
    long[] starts = new long[layers.size()];
    long next = layout.size();
    for (int block = starts.length - 1; block >= 0; block--) {
      String prefix = layers.get(block).name() + ".";
      for (ParameterLayout.Entry entry : layout.entries()) {
        if (entry.name().startsWith(prefix)) {
          next = entry.offset();
          break;
        }
      }
      starts[block] = next;
    }
    return starts;
  }

  private void addNorm(ParameterLayout layout, String name, int size) {
    if (tuning.trains(name)) {
      layout.add(name + ".weight", tuning.decays(true), size);
    }
  }

  private void addGroup(ParameterLayout layout, GroupPlan group) {
    for (List<GroupPlan.Module> run : group.runs()) {
      if (run.get(0).trained()) {
        for (GroupPlan.Module module : run) {
          layout.add(module.weight(), tuning.decays(false), module.out(), group.in());
        }
        for (GroupPlan.Module module : run) {
          if (module.bias()) {
            layout.add(module.biasName(), tuning.decays(true), module.out());
          }
        }
      }
    }
    for (GroupPlan.Module module : group.modules()) {
      if (module.rank() > 0) {
        layout.add(module.down(), tuning.decays(false), module.rank(), group.in());
      }
    }
    for (GroupPlan.Module module : group.modules()) {
      if (module.rank() > 0) {
        layout.add(module.up(), tuning.decays(false), module.out(), module.rank());
      }
    }
    if (group.decomposed()) {
      for (GroupPlan.Module module : group.modules()) {
        if (module.rank() > 0) {
          layout.add(module.magnitude(), tuning.decays(false), module.out());
        }
      }
    }
  }
}
