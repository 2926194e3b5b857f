package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.spec.Hyperparameters.EngineChoice;
import org.sparktune.pipeline.spec.Hyperparameters.Precision;
import org.sparktune.pipeline.spec.Hyperparameters.Schedule;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;

/** Reads the option groups that tasks share; the defaults of a specification stand here. */
final class OptionsReader {
  private static final int MAX_SEQUENCE_LENGTH = 1 << 20;
  static final double LORA_LEARNING_RATE = 2e-4;
  static final double FULL_LEARNING_RATE = 2e-5;

  /** TRL's default is 1e-6 for whole models; an adapter takes more. */
  static final double DPO_LEARNING_RATE = 5e-6;

  /** For adapters; whole models are trained with a tenth and less. */
  static final double PPO_LEARNING_RATE = 1e-5;

  /** TRL's examples' for adapters; whole models take a tenth. */
  static final double REWARD_LEARNING_RATE = 1e-4;

  static final double FULL_REWARD_LEARNING_RATE = 1e-5;

  private final SpecContext context;
  private final long specSeed;

  OptionsReader(SpecContext context, long specSeed) {
    this.context = context;
    this.specSeed = specSeed;
  }

  /** The file's seed, where a task has none of its own. */
  long specSeed() {
    return specSeed;
  }

  /** Options for a single file that a task names where a dataset could stand. */
  DatasetOptions ofSingleFile(Scalar path) {
    Mapping wrapped = Mapping.empty(path.location());
    wrapped.entries().put("sources", new SpecNode.Entry(path.location(), path));
    return dataset(new MappingReader(wrapped, "dataset", context));
  }

  DatasetOptions dataset(MappingReader reader) {
    List<Source> sources = new ArrayList<>();
    if (reader.require("sources")) {
      for (SpecNode item : reader.items("sources")) {
        Source source = source(reader, item);
        if (source != null) {
          sources.add(source);
        }
      }
    }
    if (reader.has("sources") && reader.items("sources").isEmpty()) {
      reader.problem("sources", "'sources' is an empty list.", "Name at least one file or folder.");
    }
    String template = reader.text("template", DatasetOptions.AUTO_TEMPLATE);
    if (!DatasetOptions.isTemplateWord(template)) {
      template = reader.inputPath("template");
    }
    DatasetOptions.Kind kind = RewardReader.kind(reader);
    CurriculumOptions curriculum = CurriculumReader.read(reader, kind);
    DatasetOptions options =
        new DatasetOptions(
            kind,
            List.copyOf(sources),
            (int) reader.integer("sequence_length", 512, 2, MAX_SEQUENCE_LENGTH),
            reader.flag("packing", kind != DatasetOptions.Kind.PROMPT),
            reader.flag("shuffle", !curriculum.active()),
            reader.decimal("validation_fraction", 0, Range.BELOW_ONE),
            reader.decimal("max_reject_ratio", 0.05, Range.UNIT),
            reader.word("train_on", TrainOn.ASSISTANT),
            template,
            reader.word("on_long", OnLong.REJECT),
            reader.flag("append_eos", true),
            reader.word("on_corrupt", OnCorrupt.QUARANTINE),
            new DatasetStages(
                CurationReader.clean(reader),
                CurationReader.deduplicate(reader),
                CurationReader.decontaminate(reader),
                RewardReader.rewards(reader),
                RewardReader.pairs(reader),
                MixReader.read(reader, sources),
                curriculum));
    reader.finish();
    return options;
  }

  private Source source(MappingReader parent, SpecNode item) {
    if (item instanceof Scalar scalar && !scalar.isNull()) {
      return new Source(parent.inputPath(scalar, "sources"), Schema.AUTO, Map.of());
    }
    if (!(item instanceof Mapping mapping)) {
      parent.wrongType("sources", "a list of paths", item);
      return null;
    }
    MappingReader reader = new MappingReader(mapping, "a source", context);
    String path = reader.require("path") ? reader.inputPath("path") : null;
    Schema schema = reader.word("schema", Schema.AUTO);
    Map<String, String> columns = reader.textsByWord("columns");
    String name = reader.text("name", null);
    reader.finish();
    if (path == null) {
      return null;
    }
    return name == null
        ? new Source(path, schema, columns)
        : new Source(path, schema, columns, name);
  }

  /**
   * Hyperparameters without the {@code lora} group, which the caller reads before it calls {@link
   * MappingReader#finish}.
   *
   * @param learningRate the learning rate where none is written
   */
  Hyperparameters hyperparameters(MappingReader reader, double learningRate) {
    Schedule schedule = reader.word("schedule", Schedule.COSINE);
    Hyperparameters parameters =
        new Hyperparameters(
            (int) reader.integer("epochs", 3, 1, Integer.MAX_VALUE),
            reader.integer("max_steps", 0, 1, Long.MAX_VALUE),
            reader.decimal("learning_rate", learningRate, Range.NOT_NEGATIVE),
            schedule,
            reader.decimal("warmup_ratio", 0.03, Range.UNIT),
            reader.integer("warmup_steps", -1, 0, Long.MAX_VALUE),
            reader.decimal("min_learning_rate_ratio", 0, Range.UNIT),
            (int) reader.integer("batch_size", 8, 1, 1 << 16),
            (int) reader.integer("gradient_accumulation_steps", 1, 1, 1 << 16),
            reader.decimal("max_grad_norm", 1.0, Range.NOT_NEGATIVE),
            reader.decimal("adam_beta1", 0.9, Range.BELOW_ONE),
            reader.decimal("adam_beta2", 0.999, Range.BELOW_ONE),
            reader.decimal("adam_epsilon", 1e-8, Range.POSITIVE),
            reader.decimal("weight_decay", 0, Range.NOT_NEGATIVE),
            reader.word("precision", Precision.AUTO),
            reader.word("engine", EngineChoice.AUTO),
            reader.integer("seed", specSeed, 0, Long.MAX_VALUE),
            (int) reader.integer("log_every", 1, 1, Integer.MAX_VALUE),
            (int) reader.integer("evaluate_every", 50, 0, Integer.MAX_VALUE),
            (int) reader.integer("checkpoint_every", 100, 0, Integer.MAX_VALUE),
            (int) reader.integer("keep_checkpoints", 2, 1, 1000),
            (int) reader.integer("sample_every", 0, 0, Integer.MAX_VALUE),
            reader.texts("sample_prompts"),
            OptimizerReader.updater(reader.mappingOrEmpty("optimizer")),
            OptimizerReader.shape(reader, schedule));
    if (parameters.sampleEvery() > 0 && parameters.samplePrompts().isEmpty()) {
      reader.problem(
          "sample_every",
          "'sample_every' is set but 'sample_prompts' is empty.",
          "Add prompts, or remove 'sample_every'.");
    }
    if (parameters.maxSteps() > 0 && parameters.warmupSteps() > parameters.maxSteps()) {
      reader.problem(
          "warmup_steps",
          "'warmup_steps' is %d, more than the %d steps of 'max_steps'."
              .formatted(parameters.warmupSteps(), parameters.maxSteps()),
          "");
    }
    return parameters;
  }

  /** The adapter's shape, and how its base is held, which stands beside it. */
  LoraOptions lora(MappingReader hyperparams, Quantization byDefault) {
    MappingReader reader = hyperparams.mappingOrEmpty("lora");
    List<String> targets = reader.texts("target_modules");
    if (reader.has("target_modules") && targets.isEmpty()) {
      reader.problem(
          "target_modules",
          "'target_modules' is empty, so nothing would be trained.",
          "Write all-linear, or name modules such as q_proj.");
    }
    if (targets.contains(LoraOptions.ALL_LINEAR) && targets.size() > 1) {
      reader.problem(
          "target_modules",
          "'target_modules' names all-linear beside other modules.",
          "Write all-linear alone, or only module names.");
    }
    int rank = (int) reader.integer("rank", 16, 1, 1 << 14);
    LoraOptions options =
        new LoraOptions(
            rank,
            reader.decimal("alpha", 2.0 * rank, Range.POSITIVE),
            reader.decimal("dropout", 0, Range.BELOW_ONE),
            targets.isEmpty() ? List.of(LoraOptions.ALL_LINEAR) : targets,
            reader.flag("use_rslora", false),
            reader.flag("use_dora", false),
            reader.integers("rank_pattern"),
            reader.decimals("alpha_pattern"),
            reader.texts("modules_to_save"),
            reader.word("init", LoraOptions.Init.DEFAULT),
            hyperparams.word("quantization", byDefault));
    if (options.useDora() && options.dropout() > 0) {
      reader.problem(
          "dropout",
          "'dropout' together with 'use_dora' is not supported.",
          "Remove one of the two.");
    }
    reader.finish();
    return options;
  }

  List<LayerPolicy> layers(MappingReader task, boolean lora) {
    List<LayerPolicy> policies = new ArrayList<>();
    for (SpecNode item : task.items("layers")) {
      if (!(item instanceof Mapping mapping)) {
        task.wrongType(
            "layers", "a list of mappings such as {match: model.layers.0, freeze: true}", item);
        continue;
      }
      MappingReader reader = new MappingReader(mapping, "a layer policy", context);
      String match = pattern(reader);
      boolean freeze = reader.flag("freeze", false);
      int rank = (int) reader.integer("rank", 0, 1, 1 << 14);
      if (reader.has("precision")) {
        context
            .problems()
            .addUnsupported(
                reader.location("precision"),
                "A precision for single layers is not in this version.",
                "Set 'precision' under 'hyperparams' for the whole model.");
      }
      if (rank > 0 && !lora) {
        reader.problem("rank", "'rank' means nothing without LoRA.", "Remove it.");
      }
      if (rank > 0 && freeze) {
        reader.problem("rank", "A layer policy cannot both freeze and set a rank.", "Keep one.");
      }
      reader.finish();
      policies.add(new LayerPolicy(match, freeze, rank));
    }
    return List.copyOf(policies);
  }

  private static String pattern(MappingReader reader) {
    String match = reader.requiredText("match");
    try {
      Pattern.compile(match);
    } catch (PatternSyntaxException e) {
      reader.problem(
          "match",
          "'%s' is not a regular expression (%s).".formatted(match, e.getDescription()),
          "Write a module's name, its end, or a regular expression.");
    }
    return match;
  }
}
