package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.sparktune.jobs.doctor.Machine;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.model.ScoredDecoder;
import org.sparktune.trainer.model.Tuning;

/** A model with its adapter, ready to evaluate and generate; closes what it opened. */
public final class LoadedDecoder implements AutoCloseable {
  private final Resources resources = new Resources();
  private final Tokenizer tokenizer;
  private final OptionalInt paddingId;
  private final Decoder decoder;

  private LoadedDecoder(
      Path path,
      Optional<Path> adapterPath,
      Engines.PrecisionChoice precision,
      Quantization quantization,
      BatchSize batch) {
    try {
      OpenModel model = resources.add(OpenModel.open(path));
      tokenizer = model.tokenizer();
      paddingId = model.paddingId();
      Optional<LoadedAdapter> adapter =
          adapterPath.map(folder -> resources.add(LoadedAdapter.open(folder, model)));
      Tuning tuning = tuning(model, adapter, quantization);
      Engine engine =
          resources.add(Engines.open(precision, Engines.defaultThreads(), Engines.Device.AUTO));
      MemoryEstimate.evaluation(model.config(), tuning, batch, engine)
          .requireWithin(engine.availableBytes().orElseGet(Machine::availableMemoryBytes));
      decoder = resources.add(Decoder.load(model.config(), model.file(), engine, tuning));
      adapter.ifPresent(found -> found.copyInto(new DecoderTrainable(decoder)));
    } catch (RuntimeException | Error e) {
      resources.close();
      throw e;
    }
  }

  /** What is held: the model alone, or with an adapter on it. */
  static Tuning tuning(
      OpenModel model, Optional<LoadedAdapter> adapter, Quantization quantization) {
    BaseStorage base = BaseStorages.of(quantization, model.file());
    return adapter.isPresent()
        ? new Tuning.Lora(adapter.get().config(), 0, false, base)
        : new Tuning.Nothing(model.isRewardModel(), base);
  }

  /**
   * Loads a model.
   *
   * @param quantization how its layers are held
   * @param batch the largest batch that will be evaluated, for the estimate
   */
  public static LoadedDecoder open(
      Path path,
      Optional<Path> adapter,
      Engines.PrecisionChoice precision,
      Quantization quantization,
      BatchSize batch) {
    return new LoadedDecoder(path, adapter, precision, quantization, batch);
  }

  /** The model. */
  public Decoder decoder() {
    return decoder;
  }

  /** Whether it scores documents rather than next tokens. */
  public boolean isRewardModel() {
    return decoder.hasScoreHead();
  }

  /**
   * The reward model.
   *
   * @throws org.sparktune.core.SparktuneException {@code MISMATCH} when it is none
   */
  public ScoredDecoder rewardModel() {
    return new ScoredDecoder(decoder, paddingId);
  }

  /** Its tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public void close() {
    resources.close();
  }
}
