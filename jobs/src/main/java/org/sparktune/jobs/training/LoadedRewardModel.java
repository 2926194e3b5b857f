package org.sparktune.jobs.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.ScoredDecoder;
import org.sparktune.trainer.modelfile.AdapterConfig;

/** A reward model as a reward_model task leaves it, ready to score. */
public final class LoadedRewardModel implements AutoCloseable {
  private final Path modelPath;
  private final LoadedDecoder loaded;
  private final ScoredDecoder model;

  private LoadedRewardModel(Path modelPath, LoadedDecoder loaded) {
    this.modelPath = modelPath;
    this.loaded = loaded;
    this.model = loaded.rewardModel();
  }

  /**
   * Loads a reward model.
   *
   * @param path the PEFT folder of one, whose base model is where the adapter says, or a model
   * @param batch the largest batch that will be scored, for the estimate of memory
   * @throws SparktuneException {@code BAD_FILE} when the adapter's base model is not there, {@code
   *     MISMATCH} when it is no reward model
   */
  public static LoadedRewardModel open(
      Path path, Engines.PrecisionChoice precision, BatchSize batch) {
    Path adapterConfig = path.resolve(AdapterConfig.FILE_NAME);
    boolean adapter = Files.exists(adapterConfig);
    Path base =
        adapter
            ? ModelLocations.model(
                AdapterConfig.read(adapterConfig).baseModel(), HadoopSettings.here())
            : path;
    if (!Files.exists(base) || base.toString().isEmpty()) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The reward model %s is an adapter of the model '%s', which is not there."
              .formatted(path, base),
          "Correct base_model_name_or_path in its %s.".formatted(AdapterConfig.FILE_NAME));
    }
    LoadedDecoder loaded =
        LoadedDecoder.open(
            base,
            adapter ? Optional.of(path) : Optional.empty(),
            precision,
            Quantization.NONE,
            batch);
    try {
      return new LoadedRewardModel(base, loaded);
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  /** Where tokenizer and chat template are. */
  public Path modelPath() {
    return modelPath;
  }

  /** The tokenizer whose ids it reads. */
  public Tokenizer tokenizer() {
    return loaded.tokenizer();
  }

  /** Ids that it has embeddings for are below this. */
  public int vocabularySize() {
    return loaded.decoder().config().vocabularySize();
  }

  /** The longest document that it reads. */
  public int maxTokens() {
    return loaded.decoder().config().maxPositions();
  }

  /** Scores a batch's documents, in their order. */
  public List<DocumentScore> scores(Batch batch) {
    float[] opinions = model.opinions(batch);
    float[] means = model.means(opinions);
    float[] uncertainties = model.uncertainties(opinions);
    List<DocumentScore> scores = new ArrayList<>(means.length);
    for (int i = 0; i < means.length; i++) {
      Double uncertainty = heads() > 1 ? (double) uncertainties[i] : null;
      scores.add(new DocumentScore(means[i], uncertainty));
    }
    return scores;
  }

  /**
   * Scores a document alone: a product of several rows may round otherwise than one of its rows
   * alone, so only then a score does not depend on what else is scored.
   */
  public float score(int[] ids) {
    return score(ids, 0);
  }

  /**
   * A score that pays for doubt.
   *
   * @param penalty what is taken off for a standard deviation of 1 among the heads
   */
  float score(int[] ids, double penalty) {
    int[] targets = new int[ids.length];
    Arrays.fill(targets, Batch.IGNORED);
    float[] opinions = model.opinions(new Batch(ids, targets, new int[] {0, ids.length}));
    return (float) (model.means(opinions)[0] - penalty * model.uncertainties(opinions)[0]);
  }

  /** How many heads score every document. */
  int heads() {
    return model.heads();
  }

  @Override
  public void close() {
    loaded.close();
  }
}
