package org.sparktune.trainer.model;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.optim.GradientListener;

/**
 * A decoder-only transformer with its hand-written backward pass: Llama, Qwen2, Qwen3, Phi-3. N is
 * the number of tokens of a batch, M the number of positions that carry loss, C the hidden size, V
 * the vocabulary. Not for several threads at once; the engine uses all cores.
 */
public final class Decoder implements AutoCloseable {
  private final DecoderPlan plan;
  private final Engine engine;
  private final DecoderWeights weights;
  private final RopeTable rope;
  private final Workspace training;
  private final Workspace inference;
  private final SelectedRows selected;
  private final DocumentAttention documents;

  /** Where the trained parameters of each block, and of all that follows it, begin. */
  private final long[] blockStarts;

  private Decoder(DecoderPlan plan, Engine engine, DecoderWeights weights) {
    this.plan = plan;
    this.engine = engine;
    this.weights = weights;
    this.rope = new RopeTable(plan.config(), engine);
    this.training = new Workspace(plan, true, engine);
    this.inference = new Workspace(plan, false, engine);
    this.selected = new SelectedRows(plan.config().hiddenSize(), engine);
    this.documents = new DocumentAttention(engine);
    this.blockStarts = plan.blockStarts();
  }

  /**
   * Loads a model.
   *
   * @param source its tensors
   * @param engine what computes; must outlive the decoder
   * @param tuning what is to be trained
   */
  public static Decoder load(
      DecoderConfig config, WeightSource source, Engine engine, Tuning tuning) {
    DecoderPlan plan = DecoderPlan.of(config, tuning);
    return new Decoder(plan, engine, new DecoderLoader(plan, source, engine).load());
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return plan.config();
  }

  DecoderPlan plan() {
    return plan;
  }

  Engine engine() {
    return engine;
  }

  /** Whether it is a reward model: it scores documents and knows no next tokens. */
  public boolean hasScoreHead() {
    return plan.hasScoreHead();
  }

  /** K, the score heads of a reward model. */
  int scoreHeads() {
    return weights.scoreHead().count();
  }

  TrainedParameters trained() {
    return weights.trained();
  }

  Workspace inference() {
    return inference;
  }

  RopeTable rope() {
    return rope;
  }

  /** Bytes of activations and scratch memory held now. */
  public long workspaceBytes() {
    return training.allocatedBytes()
        + inference.allocatedBytes()
        + selected.allocatedBytes()
        + documents.allocatedBytes()
        + rope.allocatedBytes();
  }

  /** Takes up changed parameters. */
  void parametersChanged() {
    for (DecoderLayer layer : weights.layers()) {
      layer.refresh();
    }
    if (weights.dHead() != null) {
      engine.refresh(weights.head());
    }
  }

  /**
   * The sum of the log-probabilities of a batch's targets, and its gradient added to the trained
   * parameters'.
   *
   * @param gradient of every target's log-probability: {@code -1 / tokens} for a mean loss
   * @return the sum; 0 when there is no target
   */
  double logProbsAndGradient(Batch batch, float gradient, Passage passage) {
    return logProbsAndGradient(batch, gradient, passage, GradientListener.NONE);
  }

  /**
   * As {@link #logProbsAndGradient(Batch, float, Passage)}.
   *
   * @param listener told after each block which gradients are complete
   */
  public double logProbsAndGradient(
      Batch batch, float gradient, Passage passage, GradientListener listener) {
    check(batch);
    selected.select(batch);
    if (selected.count() == 0) {
      return 0;
    }
    runDocuments(batch, training, passage);
    engine.fill(selected.dLogProbs(), gradient);
    engine.tokenLossAndGradient(
        selected.normed(),
        languageHead(),
        selected.targets(),
        selected.dLogProbs(),
        selected.logProbs(),
        selected.dNormed(),
        weights.dHead());
    backward(batch, passage, listener);
    return sumOfLogProbs();
  }

  /**
   * Log-probabilities of a batch's targets, in the order of their positions, with everything kept
   * for {@link #scoresGradient}.
   *
   * @return {@code (M)}
   */
  public float[] scoresForGradient(Batch batch, Passage passage) {
    check(batch);
    selected.select(batch);
    runDocuments(batch, training, passage);
    heat(passage);
    score();
    return engine.toArray(selected.logProbs());
  }

  /**
   * The value head's values at a batch's targets, after {@link #scoresForGradient} of it: what the
   * response is worth before each of them.
   *
   * @return {@code (M)}
   */
  public float[] valuesForGradient(Passage passage) {
    return weights.valueHead().values(selected.normed(), passage.temperature());
  }

  /**
   * The value head's values at a batch's targets, without anything kept.
   *
   * @return {@code (M)}
   */
  public float[] values(Batch batch, Passage passage) {
    selected.select(batch);
    if (selected.count() == 0) {
      return new float[0];
    }
    runForInference(batch, passage);
    heat(passage);
    return weights.valueHead().values(selected.normed(), passage.temperature());
  }

  /**
   * Adds to the trained parameters' gradients after {@link #scoresForGradient} of the same batch.
   *
   * @param dLogProbs {@code (M)}
   * @param listener told after each block which gradients are complete
   */
  public void scoresGradient(
      Batch batch, float[] dLogProbs, Passage passage, GradientListener listener) {
    scoresGradient(batch, new ScoreGradients(dLogProbs, new float[0], 0), passage, listener);
  }

  /** As {@link #scoresGradient(Batch, float[], Passage, GradientListener)}, of all scores. */
  public void scoresGradient(
      Batch batch, ScoreGradients gradients, Passage passage, GradientListener listener) {
    engine.set(selected.dLogProbs(), gradients.dLogProbs());
    engine.tokenLogProbsGradient(
        selected.normed(),
        languageHead(),
        selected.targets(),
        selected.logSumExp(),
        selected.dLogProbs(),
        selected.dNormed(),
        weights.dHead());
    if (gradients.dEntropy() != 0) {
      EntropyGradient.add(
          engine,
          selected.normed(),
          languageHead(),
          plan.config().vocabularySize(),
          gradients.dEntropy(),
          selected.dNormed(),
          weights.dHead());
    }
    if (passage.temperature() != 1) {
      selected.scaleNormedGradient(1 / passage.temperature());
    }
    if (gradients.dValues().length > 0) {
      weights
          .valueHead()
          .gradient(
              selected.normed(), passage.temperature(), gradients.dValues(), selected.dNormed());
    }
    backward(batch, passage, listener);
  }

  /**
   * The score head's scores of a batch's documents.
   *
   * @param lasts {@code (D)} the last token of each that counts
   * @return {@code (K·D)}, head by head
   */
  float[] rowScores(Batch batch, int[] lasts) {
    DocumentHead.Rows rows = selectRows(batch, lasts);
    runForInference(batch, Passage.PLAIN);
    return weights.scoreHead().scores(selected.normed(), rows);
  }

  private DocumentHead.Rows selectRows(Batch batch, int[] lasts) {
    DocumentHead.Rows rows = weights.scoreHead().rows(batch.documentStarts(), lasts);
    selected.select(rows.positions());
    return rows;
  }

  /** As {@link #rowScores}, with everything kept for {@link #rowScoresGradient}. */
  float[] rowScoresForGradient(Batch batch, int[] lasts, Passage passage) {
    check(batch);
    DocumentHead.Rows rows = selectRows(batch, lasts);
    runDocuments(batch, training, passage);
    return weights.scoreHead().scores(selected.normed(), rows);
  }

  /**
   * Adds to the trained parameters' gradients after {@link #rowScoresForGradient} of the same
   * batch.
   *
   * @param lasts as they were given to it
   * @param dScores {@code (K·D)}
   */
  void rowScoresGradient(
      Batch batch, int[] lasts, float[] dScores, Passage passage, GradientListener listener) {
    DocumentHead.Rows rows = weights.scoreHead().rows(batch.documentStarts(), lasts);
    weights.scoreHead().gradient(selected.normed(), rows, dScores, selected.dNormed(), false);
    backward(batch, passage, listener);
  }

  /** The sum of the log-probabilities of a batch's targets, without a gradient. */
  public double sumOfLogProbs(Batch batch) {
    selected.select(batch);
    if (selected.count() == 0) {
      return 0;
    }
    runForInference(batch, Passage.PLAIN);
    score();
    return sumOfLogProbs();
  }

  /**
   * Log-probabilities of a batch's targets, in the order of their positions, without anything kept.
   *
   * @return {@code (M)}
   */
  public float[] scores(Batch batch, Passage passage) {
    selected.select(batch);
    if (selected.count() == 0) {
      return new float[0];
    }
    if (!passage.adapted()) {
      requireWholeBase();
    }
    runForInference(batch, passage);
    heat(passage);
    score();
    return engine.toArray(selected.logProbs());
  }

  /**
   * Next-token logits at some positions of a batch.
   *
   * @param positions M token indexes
   * @param logits {@code (M, V)} F32, in host memory or the engine's
   */
  public void logits(Batch batch, int[] positions, Tensor logits) {
    selected.select(positions);
    runForInference(batch, Passage.PLAIN);
    try (TensorArena arena = engine.arena("logits")) {
      Tensor computed = arena.allocate(DType.F32, logits.shape());
      engine.logits(selected.normed(), languageHead(), computed);
      engine.copy(computed, logits);
    }
  }

  /**
   * Next-token logits at some rows of a pass that {@link #run} made in the inference workspace.
   *
   * @param logits {@code (M, V)} F32, the engine's
   */
  void logitsOfRows(int[] rows, Tensor logits) {
    selected.select(rows);
    normalizeSelected(inference);
    engine.logits(selected.normed(), languageHead(), logits);
  }

  private Weight languageHead() {
    if (weights.head() == null) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "A reward model scores whole documents; it has no next tokens.",
          "Use the language model that it was made of.");
    }
    return weights.head();
  }

  private void requireWholeBase() {
    if (plan.tuning() instanceof Tuning.Lora lora && !lora.config().modulesToSave().isEmpty()) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The base of a model whose adapter replaces %s cannot be scored beside it."
              .formatted(lora.config().modulesToSave()),
          "Score the base model by itself, or leave modules_to_save empty.");
    }
  }

  /** The head reads rows divided by the temperature: so its logits are, too. */
  private void heat(Passage passage) {
    if (passage.temperature() != 1) {
      selected.scaleNormed(1 / passage.temperature());
    }
  }

  private void runForInference(Batch batch, Passage passage) {
    check(batch);
    runDocuments(batch, inference, passage);
  }

  private void runDocuments(Batch batch, Workspace workspace, Passage passage) {
    DocumentRows rows = DocumentRows.of(batch, passage, rope);
    workspace.resize(rows.count());
    run(
        rows.tokens(),
        workspace,
        rows.angles(),
        (layer, shape, q, k, v, out, logSumExp) ->
            documents.forward(rows, shape, q, k, v, out, logSumExp),
        passage);
    if (rows.isShared()) {
      selected.place(rows.places());
    }
    normalizeSelected(workspace);
  }

  /** Runs all blocks over tokens for which the workspace has room. */
  void run(
      int[] tokens,
      Workspace workspace,
      RopeTable.Angles angles,
      DecoderLayer.Attention attention,
      Passage passage) {
    List<DecoderLayer> layers = weights.layers();
    engine.embed(weights.embedding(), tokens, workspace.layer(0).input);
    for (int i = 0; i < layers.size(); i++) {
      Tensor output =
          i + 1 < layers.size() ? workspace.layer(i + 1).input : workspace.scratch().hidden;
      layers
          .get(i)
          .forward(workspace.layer(i), workspace.scratch(), angles, attention, output, passage);
    }
  }

  private void normalizeSelected(Workspace workspace) {
    selected.gather(workspace.scratch().hidden);
    weights.finalNorm().forward(engine, selected.input(), selected.normed(), selected.inverseRms());
  }

  private void score() {
    engine.tokenLogProbs(
        selected.normed(),
        languageHead(),
        selected.targets(),
        selected.logProbs(),
        selected.logSumExp());
  }

  private double sumOfLogProbs() {
    double sum = 0;
    for (float logProb : engine.toArray(selected.logProbs())) {
      sum += logProb;
    }
    return sum;
  }

  /** From the gradient of the selected normed rows down to the lowest trained parameter. */
  private void backward(Batch batch, Passage passage, GradientListener listener) {
    DocumentRows rows = DocumentRows.of(batch, passage, rope);
    weights
        .finalNorm()
        .backward(
            engine,
            selected.dNormed(),
            selected.input(),
            selected.inverseRms(),
            selected.dInput(),
            false);
    Scratch scratch = training.scratch();
    Tensor d = scratch.gradients.residual;
    selected.scatterGradient(d);
    for (int i = weights.layers().size() - 1; i >= 0; i--) {
      DecoderLayer layer = weights.layers().get(i);
      if (!layer.trainedUpToHere()) {
        break;
      }
      layer.backward(training.layer(i), scratch, rows, documents, d, passage);
      listener.completedFrom(blockStarts[i]);
    }
    if (weights.dEmbedding() != null) {
      engine.embedGradient(d, rows.tokens(), weights.dEmbedding());
    }
    listener.completedFrom(0);
  }

  private void check(Batch batch) {
    checkIds(batch.tokens());
    for (int target : batch.targets()) {
      if (target != Batch.IGNORED) {
        checkId(target);
      }
    }
  }

  void checkIds(int[] tokens) {
    for (int token : tokens) {
      checkId(token);
    }
  }

  private void checkId(int token) {
    if (token < 0 || token >= plan.config().vocabularySize()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The token id %d is outside the model's vocabulary of %d."
              .formatted(token, plan.config().vocabularySize()),
          "Tokenize with the model's own tokenizer.");
    }
  }

  /** Releases activations; the weights belong to the engine. */
  @Override
  public void close() {
    training.close();
    inference.close();
    selected.close();
    documents.close();
    rope.close();
  }
}
