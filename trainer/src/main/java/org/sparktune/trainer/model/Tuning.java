package org.sparktune.trainer.model;

import java.util.List;
import java.util.Optional;

/** Which of a decoder's parameters are trained. */
public sealed interface Tuning {

  /** The LoRA factors of a linear module, if it has some. */
  Optional<LoraConfig.Factors> factors(String module);

  /** Whether a module's own parameters are trained. */
  boolean trains(String module);

  /** Whether weight decay applies to a trained parameter. */
  default boolean decays(boolean normOrBias) {
    return true;
  }

  /** How frozen matrices of the layers are held. */
  default BaseStorage base() {
    return BaseStorage.FULL;
  }

  /** Whether the model is a reward model: a score head stands in place of the language head. */
  boolean scoreHead();

  /**
   * Nothing is trained: evaluation and generation.
   *
   * @param scoreHead whether it is a reward model
   * @param base how the layers' matrices are held
   */
  record Nothing(boolean scoreHead, BaseStorage base) implements Tuning {
    /** A language model in full. */
    public Nothing() {
      this(false);
    }

    /** In full. */
    public Nothing(boolean scoreHead) {
      this(scoreHead, BaseStorage.FULL);
    }

    @Override
    public Optional<LoraConfig.Factors> factors(String module) {
      return Optional.empty();
    }

    @Override
    public boolean trains(String module) {
      return false;
    }
  }

  /**
   * LoRA factors and the modules that are saved whole.
   *
   * @param config the factors
   * @param seed of the initial A factors
   * @param valueHead whether a critic's linear head is trained beside them; it starts at 0 and is
   *     no part of the adapter
   * @param base how the frozen matrices are held
   */
  record Lora(LoraConfig config, long seed, boolean valueHead, BaseStorage base) implements Tuning {
    /** On a base in full. */
    public Lora(LoraConfig config, long seed, boolean valueHead) {
      this(config, seed, valueHead, BaseStorage.FULL);
    }

    /** Without a critic. */
    public Lora(LoraConfig config, long seed) {
      this(config, seed, false);
    }

    /** An adapter that saves the head is one of a reward model. */
    @Override
    public boolean scoreHead() {
      return !heads().isEmpty();
    }

    /** Its score heads. */
    List<String> heads() {
      return HeadNames.among(config.modulesToSave());
    }

    @Override
    public Optional<LoraConfig.Factors> factors(String module) {
      return trains(module) ? Optional.empty() : config.factors(module);
    }

    @Override
    public boolean trains(String module) {
      for (String saved : config.modulesToSave()) {
        if (ModulePattern.endsWith(saved, module)) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * Every parameter.
   *
   * @param policies which modules are frozen
   * @param decayNormsAndBiases whether weight decay applies to norms and biases too, as PyTorch's
   *     AdamW does with one parameter group
   * @param scoreHead whether it is a reward model
   */
  record Full(List<LayerPolicy> policies, boolean decayNormsAndBiases, boolean scoreHead)
      implements Tuning {

    /** Copies the list. */
    public Full {
      policies = List.copyOf(policies);
    }

    /** A language model. */
    public Full(List<LayerPolicy> policies, boolean decayNormsAndBiases) {
      this(policies, decayNormsAndBiases, false);
    }

    /** Everything, decayed alike. */
    public static Full everything() {
      return new Full(List.of(), true);
    }

    @Override
    public Optional<LoraConfig.Factors> factors(String module) {
      return Optional.empty();
    }

    @Override
    public boolean trains(String module) {
      for (LayerPolicy policy : policies) {
        if (policy.freeze() && policy.applies(module)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public boolean decays(boolean normOrBias) {
      return decayNormsAndBiases || !normOrBias;
    }
  }
}
