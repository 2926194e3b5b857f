package org.sparktune.pipeline.spec;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetName;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.Task.ModelFormat;
import org.sparktune.pipeline.spec.Task.Split;

/** Reads one task. */
final class TaskReader {
  /** Weight types that merge can write, by container. */
  private static final Map<ModelFormat, List<String>> ELEMENT_TYPES =
      Map.of(
          ModelFormat.SAFETENSORS,
          List.of("F32", "F16", "BF16"),
          ModelFormat.GGUF,
          List.of("F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"));

  private static final TaskType[] ADAPTER_MAKERS = {
    TaskType.LORA_FINETUNE, TaskType.QLORA, TaskType.DPO, TaskType.PPO, TaskType.REWARD_MODEL
  };

  private final SpecContext context;
  private final OptionsReader options;
  private final Map<String, TaskType> taskTypes;
  private final Set<String> dependencies = new LinkedHashSet<>();
  private final String name;
  private final MappingReader reader;

  /**
   * @param taskTypes the type of every task of the specification, by name
   */
  TaskReader(
      SpecContext context,
      OptionsReader options,
      Map<String, TaskType> taskTypes,
      String name,
      Mapping mapping) {
    this.context = context;
    this.options = options;
    this.taskTypes = new LinkedHashMap<>(taskTypes);
    this.name = name;
    this.reader = new MappingReader(mapping, "task '" + name + "'", context);
    reader.has("name");
    reader.has("task_type");
    readDependencies();
  }

  /** The task, or null if this version cannot run its type (a problem says so). */
  Task read(TaskType type) {
    if (!type.supported()) {
      context
          .problems()
          .addUnsupported(
              reader.location("task_type"),
              "The task type '%s' of task '%s' is not in this version."
                  .formatted(type.word(), name),
              "This version runs prepare, lora_finetune, qlora, full_ft, dpo, ppo, reward_model, distill, evaluate and merge.");
      return null;
    }
    return switch (type) {
      case PREPARE -> prepare();
      case LORA_FINETUNE -> loraFinetune(Quantization.NONE);
      case QLORA -> loraFinetune(Quantization.AUTO);
      case FULL_FT -> fullFinetune();
      case DPO -> dpo();
      case PPO -> ppo();
      case REWARD_MODEL -> rewardModel();
      case DISTILL -> distill();
      case EVALUATE -> evaluate();
      case MERGE -> merge();
      case QAT ->
          throw new IllegalStateException("An unsupported type was reported above: " + type);
    };
  }

  /** The keys that a task of any supported type may have. */
  static List<String> taskKeys() {
    return List.of(
        "name",
        "task_type",
        "base_model",
        "dataset",
        "prepare",
        "dependencies",
        "init_adapter",
        "adapter",
        "teacher",
        "hyperparams",
        "layers",
        "split",
        "batch_size",
        "precision",
        "quantization",
        "format",
        "type");
  }

  private Task prepare() {
    Reference base = baseModel();
    MappingReader dataset = reader.require("dataset") ? reader.mapping("dataset") : null;
    DatasetOptions datasetOptions = dataset == null ? null : options.dataset(dataset);
    ArrivalOptions arrival = ArrivalReader.read(reader);
    ArrivalReader.requireVersions(reader, datasetOptions, arrival);
    reader.finish();
    return new Task.Prepare(name, List.copyOf(dependencies), base, datasetOptions, arrival);
  }

  private Task loraFinetune(Quantization quantization) {
    Reference base = baseModel();
    DatasetChoice dataset = dataset();
    Reference init = reference("init_adapter", ADAPTER_MAKERS);
    MappingReader hyperparams = reader.mappingOrEmpty("hyperparams");
    Hyperparameters parameters =
        options.hyperparameters(hyperparams, OptionsReader.LORA_LEARNING_RATE);
    LoraOptions lora = options.lora(hyperparams, quantization);
    if (quantization == Quantization.AUTO && lora.quantization() == Quantization.NONE) {
      hyperparams.problem(
          "quantization",
          "A qlora task trains on a base in few bits, and 'quantization' is none.",
          "Write task_type: lora_finetune, or another quantization.");
    }
    hyperparams.finish();
    List<LayerPolicy> layers = options.layers(reader, true);
    reader.finish();
    return new Task.LoraFinetune(
        name, List.copyOf(dependencies), base, dataset, init, parameters, lora, layers);
  }

  private Task dpo() {
    Reference base = baseModel();
    Reference init = reference("init_adapter", ADAPTER_MAKERS);
    MappingReader hyperparams = reader.mappingOrEmpty("hyperparams");
    PreferenceOptions preference = PreferenceReader.read(hyperparams.mappingOrEmpty("dpo"));
    DatasetChoice dataset = dataset(preference.kind());
    Hyperparameters parameters =
        options.hyperparameters(hyperparams, OptionsReader.DPO_LEARNING_RATE);
    LoraOptions lora = options.lora(hyperparams, Quantization.NONE);
    hyperparams.finish();
    List<LayerPolicy> layers = options.layers(reader, true);
    reader.finish();
    return new Task.Dpo(
        name, List.copyOf(dependencies), base, dataset, init, parameters, lora, layers, preference);
  }

  private Task ppo() {
    Reference base = baseModel();
    DatasetChoice dataset = dataset(DatasetOptions.Kind.PROMPT);
    Reference init = reference("init_adapter", ADAPTER_MAKERS);
    MappingReader hyperparams = reader.mappingOrEmpty("hyperparams");
    Hyperparameters parameters =
        options.hyperparameters(hyperparams, OptionsReader.PPO_LEARNING_RATE);
    MappingReader loraReader = hyperparams.mappingOrEmpty("lora");
    LoraOptions lora = options.lora(hyperparams, Quantization.NONE);
    if (lora.dropout() > 0) {
      loraReader.problem(
          "dropout",
          "'dropout' would make the policy that learns another than the one that sampled.",
          "Remove it.");
    }
    if (!lora.modulesToSave().isEmpty()) {
      loraReader.problem(
          "modules_to_save",
          "'modules_to_save' would leave no base model to be the reference.",
          "Remove it.");
    }
    PpoOptions ppo =
        new PpoReader(
                hyperparams.mappingOrEmpty("ppo"),
                reward -> reference(reward, "model", TaskType.REWARD_MODEL, TaskType.DISTILL))
            .read(parameters.batchSize());
    hyperparams.finish();
    List<LayerPolicy> layers = options.layers(reader, true);
    reader.finish();
    return new Task.Ppo(
        name, List.copyOf(dependencies), base, dataset, init, parameters, lora, layers, ppo);
  }

  private Task rewardModel() {
    Reference base = baseModel();
    Reference init = reference("init_adapter", ADAPTER_MAKERS);
    MappingReader hyperparams = reader.mappingOrEmpty("hyperparams");
    RewardModelOptions reward = RewardModelReader.read(hyperparams.mappingOrEmpty("reward"));
    DatasetChoice dataset = dataset(reward.kind());
    boolean full = hyperparams.word("train", Trained.LORA) == Trained.FULL;
    Hyperparameters parameters =
        options.hyperparameters(
            hyperparams,
            full ? OptionsReader.FULL_REWARD_LEARNING_RATE : OptionsReader.REWARD_LEARNING_RATE);
    if (!parameters.samplePrompts().isEmpty()) {
      hyperparams.problem(
          "sample_prompts",
          "A reward model scores texts and writes none, so it has no 'sample_prompts'.",
          "Remove it.");
    }
    if (full && hyperparams.has("lora")) {
      hyperparams.problem(
          "lora",
          "Task '%s' trains every weight (train: full) and has no 'lora'.".formatted(name),
          "Remove 'lora', or write train: lora.");
    }
    if (full && (reward.head() != RewardModelOptions.Head.LINEAR || reward.ensemble() > 1)) {
      hyperparams.problem(
          "train",
          "An attention head and an ensemble are parts of an adapter; a whole model has one linear head.",
          "Write train: lora, or leave 'head' and 'ensemble' out.");
    }
    if (full && init != null) {
      reader.problem(
          "init_adapter",
          "Task '%s' trains every weight (train: full) and starts from no adapter.".formatted(name),
          "Merge the adapter into the base model first.");
    }
    LoraOptions lora = full ? null : options.lora(hyperparams, Quantization.NONE);
    hyperparams.finish();
    List<LayerPolicy> layers = options.layers(reader, !full);
    reader.finish();
    List<String> after = List.copyOf(dependencies);
    return full
        ? new Task.RewardModel(name, after, base, dataset, parameters, layers, reward)
        : new Task.RewardAdapter(
            name,
            after,
            base,
            dataset,
            init,
            parameters,
            lora.withSaved(reward.modules()),
            layers,
            reward);
  }

  private Task distill() {
    Reference base = baseModel();
    reader.require("teacher");
    Reference teacher = reference("teacher", TaskType.REWARD_MODEL);
    DatasetChoice dataset = dataset();
    DistillOptions distill =
        DistillReader.read(reader.mappingOrEmpty("hyperparams"), options.specSeed());
    reader.finish();
    return new Task.Distill(name, List.copyOf(dependencies), base, teacher, dataset, distill);
  }

  /** What of a reward model is trained. */
  private enum Trained {
    LORA,
    FULL
  }

  private Task fullFinetune() {
    Reference base = baseModel();
    DatasetChoice dataset = dataset();
    MappingReader hyperparams = reader.mappingOrEmpty("hyperparams");
    Hyperparameters parameters =
        options.hyperparameters(hyperparams, OptionsReader.FULL_LEARNING_RATE);
    if (hyperparams.has("lora")) {
      hyperparams.problem(
          "lora",
          "Task '%s' is full_ft, which trains every weight and has no 'lora'.".formatted(name),
          "Remove 'lora', or make the task a lora_finetune.");
    }
    hyperparams.finish();
    List<LayerPolicy> layers = options.layers(reader, false);
    reader.finish();
    return new Task.FullFinetune(
        name, List.copyOf(dependencies), base, dataset, parameters, layers);
  }

  private Task evaluate() {
    Reference base = baseModel();
    Reference adapter = reference("adapter", ADAPTER_MAKERS);
    DatasetChoice dataset = dataset();
    Split split = reader.word("split", Split.AUTO);
    int batchSize = (int) reader.integer("batch_size", 8, 1, 1 << 16);
    Hyperparameters.Precision precision = reader.word("precision", Hyperparameters.Precision.AUTO);
    Quantization quantization = reader.word("quantization", asTrained(adapter));
    reader.finish();
    return new Task.Evaluate(
        name,
        List.copyOf(dependencies),
        base,
        adapter,
        dataset,
        split,
        batchSize,
        precision,
        quantization);
  }

  /** What a qlora task of this workflow had room for is what its evaluation has room for. */
  private Quantization asTrained(Reference adapter) {
    return adapter instanceof Reference.TaskOutput made
            && taskTypes.get(made.task()) == TaskType.QLORA
        ? Quantization.AUTO
        : Quantization.NONE;
  }

  private Task merge() {
    Reference base = baseModel();
    reader.require("adapter");
    Reference adapter = reference("adapter", ADAPTER_MAKERS);
    ModelFormat format = reader.word("format", ModelFormat.SAFETENSORS);
    String type = reader.text("type", "F16");
    List<String> valid = ELEMENT_TYPES.get(format);
    if (!valid.contains(type)) {
      reader.problem(
          "type",
          "'%s' is not a type that %s can be written in.".formatted(type, format),
          NearestWord.hint(type, valid));
    }
    reader.finish();
    return new Task.Merge(name, List.copyOf(dependencies), base, adapter, format, type);
  }

  private void readDependencies() {
    for (SpecNode item : reader.items("dependencies")) {
      if (!(item instanceof Scalar scalar) || scalar.isNull()) {
        reader.wrongType("dependencies", "a list of task names", item);
      } else if (!taskTypes.containsKey(scalar.text())) {
        List<String> others = new ArrayList<>(taskTypes.keySet());
        others.remove(name);
        context
            .problems()
            .add(
                scalar.location(),
                "Task '%s' depends on '%s', which is no task of this specification."
                    .formatted(name, scalar.text()),
                NearestWord.hint(scalar.text(), others));
      } else {
        dependencies.add(scalar.text());
      }
    }
  }

  private Reference baseModel() {
    return reader.require("base_model")
        ? reference("base_model", TaskType.FULL_FT, TaskType.MERGE, TaskType.REWARD_MODEL)
        : null;
  }

  /** A task of one of the types, or a path. */
  private Reference reference(String key, TaskType... makers) {
    return reference(reader, key, makers);
  }

  private Reference reference(MappingReader from, String key, TaskType... makers) {
    SpecNode node = from.node(key);
    if (node == null) {
      return null;
    }
    if (!(node instanceof Scalar scalar)) {
      from.wrongType(key, "the name of a task or a path", node);
      return null;
    }
    if (taskTypes.containsKey(scalar.text())) {
      return taskOutput(from, key, scalar.text(), makers);
    }
    return new Reference.Stored(storedPath(key, scalar, makers));
  }

  private Reference.TaskOutput taskOutput(
      MappingReader from, String key, String maker, TaskType... makers) {
    TaskType found = taskTypes.get(maker);
    boolean misspelt = found == null; // reported where the type stands
    if (!misspelt && !List.of(makers).contains(found)) {
      from.problem(
          key,
          "'%s' of task '%s' names the task '%s', a %s, which makes nothing of that kind."
              .formatted(key, name, maker, found.word()),
          "");
    }
    dependencies.add(maker);
    return new Reference.TaskOutput(maker);
  }

  private String storedPath(String key, Scalar scalar, TaskType... makers) {
    String resolved = context.resolveInput(scalar.text(), scalar.location());
    if (context.checkFiles() && !context.exists(resolved)) {
      List<String> candidates =
          taskTypes.entrySet().stream()
              .filter(entry -> Arrays.asList(makers).contains(entry.getValue()))
              .map(Map.Entry::getKey)
              .filter(candidate -> !candidate.equals(name))
              .toList();
      context
          .problems()
          .add(
              scalar.location(),
              "The '%s' '%s' is neither a file nor a task (looked for %s)."
                  .formatted(key, scalar.written(), resolved),
              NearestWord.find(scalar.text(), candidates)
                  .map(word -> "Did you mean the task '" + word + "'?")
                  .orElse("Paths are relative to the folder of the specification."));
    }
    scalar.resolve(resolved);
    return resolved;
  }

  /** A dataset of which only one kind will do, so that it need not be written. */
  private DatasetChoice dataset(DatasetOptions.Kind kind) {
    DatasetChoice choice = dataset();
    return choice instanceof DatasetChoice.Raw raw
        ? new DatasetChoice.Raw(raw.options().withKind(kind))
        : choice;
  }

  private DatasetChoice dataset() {
    if (!reader.require("dataset")) {
      return null;
    }
    SpecNode node = reader.node("dataset");
    if (node instanceof Mapping) {
      DatasetOptions raw = options.dataset(reader.mapping("dataset"));
      ArrivalReader.requireVersions(reader, raw, ArrivalOptions.BATCH);
      return new DatasetChoice.Raw(raw);
    }
    if (!(node instanceof Scalar scalar)) {
      reader.wrongType("dataset", "a task, a dataset folder or a mapping", node);
      return null;
    }
    DatasetName written = DatasetName.parse(scalar.text());
    if (taskTypes.containsKey(written.folder())) {
      return new DatasetChoice.Prepared(
          taskOutput(reader, "dataset", written.folder(), TaskType.PREPARE), written.pin());
    }
    String resolved = context.resolveInput(scalar.text(), scalar.location());
    boolean raw =
        !SpecContext.isUri(resolved)
            && Files.exists(Path.of(resolved))
            && !Files.exists(Path.of(resolved, DatasetManifest.FILE_NAME))
            && !hasVersions(Path.of(resolved));
    if (raw) {
      return new DatasetChoice.Raw(options.ofSingleFile(scalar));
    }
    DatasetName stored = DatasetName.parse(storedPath("dataset", scalar, TaskType.PREPARE));
    return new DatasetChoice.Prepared(new Reference.Stored(stored.folder()), stored.pin());
  }

  private static boolean hasVersions(Path folder) {
    String[] names = folder.toFile().list();
    for (String version : names == null ? new String[0] : names) {
      if (DatasetName.versionNumber(version).isPresent()
          && Files.exists(folder.resolve(version).resolve(DatasetManifest.FILE_NAME))) {
        return true;
      }
    }
    return false;
  }
}
