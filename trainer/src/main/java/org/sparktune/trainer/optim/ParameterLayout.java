package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.Slices.Range;

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

  /**
   * Neighbouring elements that are treated alike.
   *
   * @param from first element
   * @param to one past the last
   * @param decayed whether weight decay applies
   */
  public record Stretch(long from, long to, boolean decayed) {}

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

  /** A range of the flat vectors, cut where weight decay begins or ends to apply. */
  public List<Stretch> stretches(Range range) {
    List<Stretch> stretches = new ArrayList<>();
    for (Entry entry : entries) {
      long from = Math.max(range.from(), entry.offset());
      long to = Math.min(range.to(), entry.offset() + entry.size());
      int last = stretches.size() - 1;
      if (from >= to) {
        continue;
      }
      if (last >= 0 && stretches.get(last).decayed() == entry.decayed()) {
        stretches.set(last, new Stretch(stretches.get(last).from(), to, entry.decayed()));
      } else {
        stretches.add(new Stretch(from, to, entry.decayed()));
      }
    }
    return stretches;
  }

  /** The length of the flat vectors. */
  public long size() {
    return size;
  }
}
