package org.sparktune.trainer.model;

import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.optim.GradientListener;

/**
 * A reward model: a decoder with a score head. The linear one reads each document's last token, as
 * transformers' {@code *ForSequenceClassification} does, the attention head all up to it. D is the
 * number of a batch's documents.
 */
public final class ScoredDecoder {
  private final Decoder decoder;
  private final OptionalInt paddingId;

  /**
   * @param decoder with a score head
   * @param paddingId the {@code pad_token_id} of the model's configuration: transformers passes
   *     over it at the end of a document even where it means something else there
   * @throws SparktuneException {@code MISMATCH} when the decoder has no score head
   */
  public ScoredDecoder(Decoder decoder, OptionalInt paddingId) {
    this.decoder = decoder;
    this.paddingId = paddingId;
    if (!decoder.hasScoreHead()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The model has no score head, so it cannot score a response.",
          "Use a reward model: the folder or the adapter that a reward_model task made.");
    }
  }

  /** The model. */
  public Decoder decoder() {
    return decoder;
  }

  /** K, how many heads score every document. */
  public int heads() {
    return decoder.scoreHeads();
  }

  /**
   * What every head says of documents.
   *
   * @return {@code (K·D)}, head by head
   */
  public float[] opinions(Batch batch) {
    return decoder.rowScores(batch, lastTokens(batch));
  }

  /**
   * The means of opinions.
   *
   * @return {@code (D)}
   */
  public float[] means(float[] opinions) {
    int documents = opinions.length / heads();
    float[] means = new float[documents];
    for (int document = 0; document < documents; document++) {
      double sum = 0;
      for (int i = document; i < opinions.length; i += documents) {
        sum += opinions[i];
      }
      means[document] = (float) (sum / heads());
    }
    return means;
  }

  /**
   * How far opinions are apart: their standard deviation, 0 where there is one head.
   *
   * @return {@code (D)}
   */
  public float[] uncertainties(float[] opinions) {
    float[] means = means(opinions);
    float[] deviations = new float[means.length];
    for (int document = 0; document < means.length; document++) {
      double sum = 0;
      for (int i = document; i < opinions.length; i += means.length) {
        double distance = (double) opinions[i] - means[document];
        sum += distance * distance;
      }
      deviations[document] = (float) Math.sqrt(sum / heads());
    }
    return deviations;
  }

  /**
   * As {@link #opinions}, with everything kept for {@link #gradient}.
   *
   * @return {@code (K·D)}
   */
  public float[] scoresForGradient(Batch batch, Passage passage) {
    return decoder.rowScoresForGradient(batch, lastTokens(batch), passage);
  }

  /**
   * Adds to the trained parameters' gradients after {@link #scoresForGradient} of the same batch.
   *
   * @param dScores {@code (K·D)}
   * @param listener told after each block which gradients are complete
   */
  public void gradient(Batch batch, float[] dScores, Passage passage, GradientListener listener) {
    decoder.rowScoresGradient(batch, lastTokens(batch), dScores, passage, listener);
  }

  private int[] lastTokens(Batch batch) {
    int[] rows = new int[batch.documents()];
    for (int document = 0; document < rows.length; document++) {
      int start = batch.documentStarts()[document];
      int last = batch.documentStarts()[document + 1] - 1;
      int row = last;
      while (paddingId.isPresent() && row > start && batch.tokens()[row] == paddingId.getAsInt()) {
        row--;
      }
      rows[document] = row;
    }
    return rows;
  }
}
