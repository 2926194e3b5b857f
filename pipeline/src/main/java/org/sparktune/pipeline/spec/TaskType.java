package org.sparktune.pipeline.spec;

import java.util.Locale;

/** The words of {@code task_type}. */
public enum TaskType {
  /** Raw files to a tokenized dataset. */
  PREPARE(true),
  /** Supervised fine-tuning of a LoRA adapter. */
  LORA_FINETUNE(true),
  /** Supervised training of every weight. */
  FULL_FT(true),
  /** Loss and perplexity of a model on a dataset. */
  EVALUATE(true),
  /** An adapter folded into its base model. */
  MERGE(true),
  /** Supervised fine-tuning of a LoRA adapter on a base in few bits. */
  QLORA(true),
  /** Quantization-aware training. */
  QAT(false),
  /** A reward model from preferences or scores. */
  REWARD_MODEL(true),
  /** A small DL4J network that learns a reward model's scores. */
  DISTILL(true),
  /** Direct preference optimization of a LoRA adapter. */
  DPO(true),
  /** Reinforcement learning of a LoRA adapter: PPO, GRPO, RLOO. */
  PPO(true);

  private final boolean supported;

  TaskType(boolean supported) {
    this.supported = supported;
  }

  /** Whether this version can run it. */
  public boolean supported() {
    return supported;
  }

  /** The word as a specification spells it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
