package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.HeadNames;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;

/** A LoRA that is put on a model, to be trained further or used as it is. */
final class LoadedAdapter implements AutoCloseable {

  private final Arena arena;
  private final PeftAdapter adapter;

  private LoadedAdapter(Arena arena, PeftAdapter adapter) {
    this.arena = arena;
    this.adapter = adapter;
  }

  /**
   * Reads a PEFT folder, a GGUF LoRA or a checkpoint and checks it against a model.
   *
   * @throws SparktuneException {@code BAD_FILE} if it is broken, {@code MISMATCH} if it does not
   *     fit
   */
  static LoadedAdapter open(Path path, OpenModel model) {
    Arena arena = new Arena("the adapter " + path.getFileName());
    try {
      return new LoadedAdapter(arena, AdapterFiles.read(path, model, arena));
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** The adapter's own shape. */
  LoraConfig config() {
    return AdapterExchange.loraConfig(adapter.config());
  }

  /**
   * The adapter's own shape with the dropout of a specification. Rank, alpha and modules are the
   * adapter's, whatever the specification says.
   */
  LoraConfig configFor(LoraConfig written) {
    LoraConfig own = config();
    return new LoraConfig(
        own.rank(),
        own.alpha(),
        written.dropout(),
        own.targets(),
        own.useRslora(),
        own.useDora(),
        own.rankPattern(),
        own.alphaPattern(),
        saved(own, written),
        own.initialization(),
        own.policies());
  }

  /** The adapter's own, and the head of the reward model that it becomes. */
  private static List<String> saved(LoraConfig own, LoraConfig written) {
    List<String> heads = HeadNames.among(written.modulesToSave());
    List<String> ownHeads = HeadNames.among(own.modulesToSave());
    if (heads.isEmpty() || heads.equals(ownHeads)) {
      return own.modulesToSave();
    }
    if (!ownHeads.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The adapter to start from is a reward model with the head %s, the task trains %s."
              .formatted(ownHeads, heads),
          "Start from the adapter of a language model, or write the same reward.head and ensemble.");
    }
    List<String> saved = new ArrayList<>(own.modulesToSave());
    saved.addAll(heads);
    return List.copyOf(saved);
  }

  /**
   * Puts the adapter's values in place of a model's freshly initialised ones. A score head that the
   * adapter lacks stays as it is.
   */
  void copyInto(DecoderTrainable trainable) {
    Map<String, Tensor> values = new TreeMap<>(adapter.tensors());
    trainable
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (HeadNames.own(name)) {
                values.putIfAbsent(name, tensor);
              }
            });
    trainable.load(values);
  }

  @Override
  public void close() {
    arena.close();
  }
}
