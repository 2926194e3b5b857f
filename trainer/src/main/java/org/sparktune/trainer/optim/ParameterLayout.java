package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;

/** Where each trained parameter lies in the flat parameter and gradient vectors. */
public final class ParameterLayout {

  /**
   * One parameter.
   *
   * @param name the Hugging Face name, such as {@code
   *     model.layers.0.self_attn.q_proj.lora_A.weight}
   * @param offset index of its first element
   * @param shape its shape, row-major
   * @param decayed whether weight decay applies
   */
  public record Entry(String name, long offset, long[] shape, boolean decayed) {
    /** The number of elements. */
    public long size() {
      long size = 1;
      for (long dimension : shape) {
        size *= dimension;
      }
      return size;
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private long size;

  /** Appends a parameter. */
  public Entry add(String name, boolean decayed, long... shape) {
    Entry entry = new Entry(name, size, shape.clone(), decayed);
    entries.add(entry);
    size += entry.size();
    return entry;
  }

  /** The parameters in order. */
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** The length of the flat vectors. */
  public long size() {
    return size;
  }
}
