package org.sparktune.jobs.inspect;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;

/**
 * What was found at a path.
 *
 * @param path where
 * @param kind {@code gguf}, {@code safetensors}, {@code huggingface}, {@code adapter}, {@code
 *     student}, {@code dataset} or {@code checkpoint}
 * @param facts what it says, by name, representable as JSON
 * @param tensors its tensors in order; empty for a dataset
 */
public record Inspection(
    @JsonProperty("path") String path,
    @JsonProperty("kind") String kind,
    @JsonProperty("facts") Map<String, Object> facts,
    @JsonProperty("tensors") List<TensorFacts> tensors) {

  /**
   * A tensor.
   *
   * @param name its name in the file
   * @param type its element or block type
   * @param shape dimensions, outermost first
   */
  public record TensorFacts(
      @JsonProperty("name") String name,
      @JsonProperty("type") String type,
      @JsonProperty("shape") long[] shape) {}

  /** Elements of all tensors together. */
  public long parameters() {
    long parameters = 0;
    for (TensorFacts tensor : tensors) {
      long elements = 1;
      for (long dimension : tensor.shape()) {
        elements *= dimension;
      }
      parameters += elements;
    }
    return parameters;
  }
}
