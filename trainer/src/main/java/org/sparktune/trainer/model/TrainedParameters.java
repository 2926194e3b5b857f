package org.sparktune.trainer.model;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.ParameterLayout;

/** The trained parameters and their gradients: two flat vectors, and views of them by name. */
final class TrainedParameters {
  private final ParameterLayout layout;
  private final Map<String, ParameterLayout.Entry> entries = new HashMap<>();
  private final Tensor values;
  private final Tensor gradients;

  TrainedParameters(ParameterLayout layout, Engine engine) {
    this.layout = layout;
    this.values = engine.allocate(DType.F32, layout.size());
    this.gradients = engine.allocate(DType.F32, layout.size());
    for (ParameterLayout.Entry entry : layout.entries()) {
      entries.put(entry.name(), entry);
    }
  }

  ParameterLayout layout() {
    return layout;
  }

  /** {@code (P)}. */
  Tensor values() {
    return values;
  }

  /** {@code (P)}. */
  Tensor gradients() {
    return gradients;
  }

  boolean has(String name) {
    return entries.containsKey(name);
  }

  /** A parameter's values in its own shape. */
  Tensor value(String name) {
    ParameterLayout.Entry entry = entries.get(name);
    return values.view(entry.offset(), entry.shape());
  }

  /** A parameter's gradient in its own shape. */
  Tensor gradient(String name) {
    ParameterLayout.Entry entry = entries.get(name);
    return gradients.view(entry.offset(), entry.shape());
  }

  /** The values of a parameter and of those after it, seen as one tensor. */
  Tensor valuesFrom(String first, long... shape) {
    return values.view(entries.get(first).offset(), shape);
  }

  /** The gradients of a parameter and of those after it, seen as one tensor. */
  Tensor gradientsFrom(String first, long... shape) {
    return gradients.view(entries.get(first).offset(), shape);
  }
}
