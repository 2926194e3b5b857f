package org.sparktune.jobs.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.ScoredDecoder;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.RewardFunction;

/**
 * A reward model's score of prompt and response together, in the policy's own tokens. Responses are
 * scored one by one: a product of several rows may round otherwise than one of its rows alone, and
 * a score must not depend on what else is scored.
 */
final class ModelReward implements RewardFunction, AutoCloseable {
  private final Path path;
  private final LoadedDecoder loaded;
  private final ScoredDecoder model;

  private ModelReward(Path path, LoadedDecoder loaded) {
    this.path = path;
    this.loaded = loaded;
    this.model = loaded.rewardModel();
  }

  /**
   * Loads a reward model.
   *
   * @param path the PEFT folder of one, whose base model is where the adapter says, or a model
   * @param responseTokens of the longest response, for the estimate of memory
   * @throws SparktuneException {@code BAD_FILE} when the adapter's base model is not there, {@code
   *     MISMATCH} when it is no reward model
   */
  static ModelReward open(Path path, Engines.PrecisionChoice precision, int responseTokens) {
    Path adapterConfig = path.resolve(AdapterConfig.FILE_NAME);
    boolean adapter = Files.exists(adapterConfig);
    Path base = adapter ? Path.of(AdapterConfig.read(adapterConfig).baseModel()) : path;
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
            new BatchSize(1, responseTokens));
    try {
      return new ModelReward(path, loaded);
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  /**
   * Refuses a policy that writes other tokens than the reward model reads.
   *
   * @throws SparktuneException {@code MISMATCH}
   */
  void requireTokenizer(Tokenizer policy) {
    if (!policy.fingerprint().equals(loaded.tokenizer().fingerprint())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The reward model %s reads other tokens than the policy writes.".formatted(path),
          "Train the reward model on a base with the policy's tokenizer.");
    }
  }

  @Override
  public double[] score(List<Completion> completions) {
    double[] scores = new double[completions.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = model.scores(document(completions.get(i)))[0];
    }
    return scores;
  }

  private static Batch document(Completion completion) {
    int[] prompt = completion.promptIds();
    int[] response = completion.responseIds();
    int[] tokens = Arrays.copyOf(prompt, prompt.length + response.length);
    System.arraycopy(response, 0, tokens, prompt.length, response.length);
    int[] targets = new int[tokens.length];
    Arrays.fill(targets, Batch.IGNORED);
    return new Batch(tokens, targets, new int[] {0, tokens.length});
  }

  @Override
  public void close() {
    loaded.close();
  }
}
