package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;

/** One task of a specification. */
public sealed interface Task extends Serializable {

  /** Its name, unique in the specification; also the name of its output folder. */
  String name();

  /** Its type. */
  TaskType type();

  /** The tasks that must be done before it, those implied by its inputs included. */
  List<String> dependencies();

  /** The model it starts from. */
  Reference baseModel();

  /** A task that trains. */
  sealed interface Training extends Task {
    /** What it trains on. */
    DatasetChoice dataset();

    /** How it trains. */
    Hyperparameters hyperparameters();

    /** Rules for single layers, in the order of the file; later ones win. */
    List<LayerPolicy> layers();
  }

  /** A task that trains a LoRA adapter. */
  sealed interface Adapting extends Training {
    /** The adapter to start from, or null. */
    Reference initAdapter();

    /** The adapter's shape. */
    LoraOptions lora();
  }

  /**
   * Raw files to a tokenized dataset.
   *
   * @param dataset the sources and how to prepare them
   * @param arrival what is done about files that arrive later
   */
  record Prepare(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetOptions dataset,
      ArrivalOptions arrival)
      implements Task {
    /** The same for every way in which its dataset may get versions. */
    public Prepare withoutArrival() {
      return new Prepare(name, dependencies, baseModel, dataset, ArrivalOptions.BATCH);
    }

    @Override
    public TaskType type() {
      return TaskType.PREPARE;
    }
  }

  /**
   * Supervised fine-tuning of an adapter.
   *
   * @param initAdapter the adapter to start from, or null
   * @param lora the adapter's shape
   */
  record LoraFinetune(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Reference initAdapter,
      Hyperparameters hyperparameters,
      LoraOptions lora,
      List<LayerPolicy> layers)
      implements Adapting {
    /** LoRA on a base in few bits goes by a name of its own. */
    @Override
    public TaskType type() {
      return lora.quantization() == Quantization.NONE ? TaskType.LORA_FINETUNE : TaskType.QLORA;
    }
  }

  /**
   * Preference optimization of an adapter.
   *
   * @param dataset of the kind that the loss reads
   * @param initAdapter the adapter to start from, or null; the reference is the model without any
   * @param lora the adapter's shape
   * @param preference the loss
   */
  record Dpo(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Reference initAdapter,
      Hyperparameters hyperparameters,
      LoraOptions lora,
      List<LayerPolicy> layers,
      PreferenceOptions preference)
      implements Adapting {
    @Override
    public TaskType type() {
      return TaskType.DPO;
    }
  }

  /**
   * Reinforcement learning of an adapter.
   *
   * @param dataset of kind prompt
   * @param initAdapter the adapter to start from, or null; the reference is the model without any
   * @param lora the adapter's shape
   * @param ppo how responses are sampled, scored and used
   */
  record Ppo(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Reference initAdapter,
      Hyperparameters hyperparameters,
      LoraOptions lora,
      List<LayerPolicy> layers,
      PpoOptions ppo)
      implements Adapting {
    @Override
    public TaskType type() {
      return TaskType.PPO;
    }
  }

  /** Training of a reward model. */
  sealed interface Rewarding extends Training {
    /** The loss. */
    RewardModelOptions reward();

    @Override
    default TaskType type() {
      return TaskType.REWARD_MODEL;
    }
  }

  /**
   * A reward model as an adapter and a score head.
   *
   * @param dataset of the kind that the loss reads
   * @param initAdapter the adapter to start from, or null
   * @param lora the adapter's shape
   */
  record RewardAdapter(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Reference initAdapter,
      Hyperparameters hyperparameters,
      LoraOptions lora,
      List<LayerPolicy> layers,
      RewardModelOptions reward)
      implements Adapting, Rewarding {}

  /**
   * A reward model of which every weight is trained.
   *
   * @param dataset of the kind that the loss reads
   */
  record RewardModel(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Hyperparameters hyperparameters,
      List<LayerPolicy> layers,
      RewardModelOptions reward)
      implements Rewarding {}

  /**
   * Training of a small reward model on the scores of a large one.
   *
   * @param baseModel whose tokenizer and chat template the data are read with: the teacher's
   * @param teacher a reward_model task or the folder that one made
   * @param dataset of documents: of kind preference, reward or sft
   * @param options the loss, the student and its training
   */
  record Distill(
      String name,
      List<String> dependencies,
      Reference baseModel,
      Reference teacher,
      DatasetChoice dataset,
      DistillOptions options)
      implements Task {
    @Override
    public TaskType type() {
      return TaskType.DISTILL;
    }
  }

  /** Supervised training of every weight. */
  record FullFinetune(
      String name,
      List<String> dependencies,
      Reference baseModel,
      DatasetChoice dataset,
      Hyperparameters hyperparameters,
      List<LayerPolicy> layers)
      implements Training {
    @Override
    public TaskType type() {
      return TaskType.FULL_FT;
    }
  }

  /**
   * Loss and perplexity.
   *
   * @param adapter the adapter to put on the model, or null
   * @param dataset what is evaluated
   * @param split which split of it
   * @param batchSize rows at a time
   * @param precision how products are computed
   * @param quantization how the model is held
   */
  record Evaluate(
      String name,
      List<String> dependencies,
      Reference baseModel,
      Reference adapter,
      DatasetChoice dataset,
      Split split,
      int batchSize,
      Hyperparameters.Precision precision,
      Quantization quantization)
      implements Task {
    @Override
    public TaskType type() {
      return TaskType.EVALUATE;
    }
  }

  /**
   * An adapter folded into its base model.
   *
   * @param adapter the adapter
   * @param format the container of the result
   * @param elementType the element or block type of the result's matrices, such as {@code F16}
   */
  record Merge(
      String name,
      List<String> dependencies,
      Reference baseModel,
      Reference adapter,
      ModelFormat format,
      String elementType)
      implements Task {
    @Override
    public TaskType type() {
      return TaskType.MERGE;
    }
  }

  /** Which split of a dataset. */
  enum Split {
    /** The validation split if there is one, else the training split. */
    AUTO,
    /** The training split. */
    TRAIN,
    /** The validation split. */
    VALIDATION
  }

  /** A container for models. */
  enum ModelFormat {
    /** A Hugging Face folder. */
    SAFETENSORS,
    /** One GGUF file. */
    GGUF
  }
}
