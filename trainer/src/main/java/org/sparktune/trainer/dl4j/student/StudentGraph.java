package org.sparktune.trainer.dl4j.student;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.IUpdater;
import org.sparktune.trainer.objective.distill.DistillationLoss;

/**
 * The student's graph. N is the number of documents, L the tokens of the longest, d the hidden
 * size.
 *
 * <pre>
 *   ids (N, 1, L) ── embedding ──┐
 *                                +── tokens (N, d, L) ──┬── self-attention, one head ──┐
 *   positions (N, 1, L) ── emb. ─┘                      └──────────────────────────────+
 *                                                                                      │
 *                    softmax (N, classes) ── output ── mean over tokens ── LayerNorm ──┘
 * </pre>
 */
public final class StudentGraph {
  static final String IDS = "ids";
  static final String POSITIONS = "positions";
  static final String TOKEN = "token";
  static final String POSITION = "position";
  static final String ATTENTION = "attention";
  static final String NORM = "norm";
  static final String OUTPUT = "classes";

  /** As GPT-2 and most after it; Xavier's is for matrices that are multiplied with. */
  private static final double EMBEDDING_DEVIATION = 0.02;

  private StudentGraph() {}

  /**
   * The configuration, also of an untrained network.
   *
   * @param loss what it is trained with
   * @param updater what its parameters are updated by
   * @param seed of the initialization
   */
  public static ComputationGraphConfiguration configuration(
      StudentShape shape, DistillationLoss loss, IUpdater updater, long seed) {
    int hidden = shape.hiddenSize();
    return new NeuralNetConfiguration.Builder()
        .seed(seed)
        .updater(updater)
        .weightInit(WeightInit.XAVIER)
        .graphBuilder()
        .addInputs(IDS, POSITIONS)
        .addLayer(TOKEN, embedding(shape.vocabularySize(), hidden), IDS)
        .addLayer(POSITION, embedding(shape.maxTokens(), hidden), POSITIONS)
        .addVertex("tokens", new ElementWiseVertex(ElementWiseVertex.Op.Add), TOKEN, POSITION)
        .addLayer(ATTENTION, new SelfAttention(hidden), "tokens")
        .addVertex("attended", new ElementWiseVertex(ElementWiseVertex.Op.Add), "tokens", ATTENTION)
        .addLayer(NORM, new LayerNorm(hidden), "attended")
        .addLayer("pooled", new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), NORM)
        .addLayer(
            OUTPUT,
            new OutputLayer.Builder(new DistillationLossFunction(loss))
                .nIn(hidden)
                .nOut(shape.classes())
                .activation(Activation.SOFTMAX)
                .build(),
            "pooled")
        .setOutputs(OUTPUT)
        .build();
  }

  private static EmbeddingSequenceLayer embedding(int entries, int hidden) {
    return new EmbeddingSequenceLayer.Builder()
        .nIn(entries)
        .nOut(hidden)
        .inferInputLength(true)
        .hasBias(false)
        .activation(Activation.IDENTITY)
        .weightInit(new NormalDistribution(0, EMBEDDING_DEVIATION))
        .build();
  }
}
