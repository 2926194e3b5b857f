package org.sparktune.trainer.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The model families that the decoder can run, and what sets each apart. */
public enum Architecture {
  LLAMA("LlamaForCausalLM", "llama", "llama", false, false, false),
  QWEN2("Qwen2ForCausalLM", "qwen2", "qwen2", false, true, false),
  QWEN3("Qwen3ForCausalLM", "qwen3", "qwen3", false, false, true),
  PHI3("Phi3ForCausalLM", "phi3", "phi3", true, false, false);

  private final String className;
  private final String modelType;
  private final String ggufName;
  private final boolean fusedProjections;
  private final boolean queryKeyValueBias;
  private final boolean queryKeyNorm;

  Architecture(
      String className,
      String modelType,
      String ggufName,
      boolean fusedProjections,
      boolean queryKeyValueBias,
      boolean queryKeyNorm) {
    this.className = className;
    this.modelType = modelType;
    this.ggufName = ggufName;
    this.fusedProjections = fusedProjections;
    this.queryKeyValueBias = queryKeyValueBias;
    this.queryKeyNorm = queryKeyNorm;
  }

  /** The class that {@code config.json} names in {@code architectures}. */
  public String className() {
    return className;
  }

  /** The value of {@code model_type} in {@code config.json}. */
  public String modelType() {
    return modelType;
  }

  /** The value of {@code general.architecture} in a GGUF file. */
  public String ggufName() {
    return ggufName;
  }

  /**
   * Whether q, k and v are one module {@code qkv_proj} and gate and up one {@code gate_up_proj}.
   */
  public boolean fusedProjections() {
    return fusedProjections;
  }

  /** Whether q, k and v always have a bias. */
  public boolean queryKeyValueBias() {
    return queryKeyValueBias;
  }

  /** Whether queries and keys are normalized per head. */
  public boolean queryKeyNorm() {
    return queryKeyNorm;
  }

  /** The architecture of a {@code model_type}. */
  static Optional<Architecture> ofModelType(String modelType) {
    return Arrays.stream(values()).filter(a -> a.modelType.equals(modelType)).findFirst();
  }

  /** The architecture of a {@code general.architecture}. */
  static Optional<Architecture> ofGgufName(String name) {
    return Arrays.stream(values()).filter(a -> a.ggufName.equals(name)).findFirst();
  }

  /** The names for a message: what is supported. */
  static String supported() {
    return Arrays.stream(values()).map(Architecture::modelType).collect(Collectors.joining(", "));
  }
}
