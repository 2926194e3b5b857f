package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Tensor;

/**
 * A pre-norm block: {@code x += o(attention(qkv(norm(x))))}, then {@code x +=
 * down(silu(gate(norm(x))) · up(norm(x)))}. N is the number of tokens, C the hidden size.
 */
final class DecoderLayer {

  /** The attention operator of a forward pass: over documents, or against a cache. */
  interface Attention {
    /**
     * Reads the values that the queries ask for.
     *
     * @param layer the block's index
     * @param q {@code (N, H·D)}
     * @param k {@code (N, K·D)}
     * @param v {@code (N, K·D)}
     * @param out {@code (N, H·D)}
     * @param logSumExp {@code (N, H)}
     */
    void read(
        int layer,
        AttentionShape shape,
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor out,
        Tensor logSumExp);
  }

  /**
   * The norms of a block.
   *
   * @param input before attention
   * @param feedForward before the feed-forward part
   * @param query per query head, or null
   * @param key per key head, or null
   */
  record Norms(Norm input, Norm feedForward, Norm query, Norm key) {}

  /** The linear modules of a block. */
  record Groups(
      ProjectionGroup queryKeyValue,
      ProjectionGroup output,
      ProjectionGroup gateUp,
      ProjectionGroup down) {}

  private final Engine engine;
  private final DecoderConfig config;
  private final int layer;
  private final AttentionShape shape;
  private final Norms norms;
  private final Groups groups;
  private final boolean trainedBefore;

  private final Columns queryKeyValueBlocks;
  private final Columns queryKeyBlocks;
  private final Columns rotatedBlock;
  private final Columns gateUpBlocks;
  private final Columns heads;
  private final Columns normedHeads;
  private final Columns gradientBlocks;
  private final Columns gradientGateUpBlocks;
  private final Columns gradientRotatedBlock;
  private final Columns gradientHeads;
  private final Columns normedGradientBlocks;
  private final Columns normedGradientHeads;

  /**
   * @param trainedBefore whether an earlier block or the embedding is trained, so that gradients
   *     must pass through this one
   */
  DecoderLayer(
      Engine engine,
      DecoderConfig config,
      int layer,
      Norms norms,
      Groups groups,
      boolean trainedBefore) {
    this.engine = engine;
    this.config = config;
    this.layer = layer;
    this.shape = config.attention(layer);
    this.norms = norms;
    this.groups = groups;
    this.trainedBefore = trainedBefore;
    int query = config.queryColumns();
    int queryKey = query + config.keyColumns();
    int all = queryKey + config.keyColumns();
    int headCount = config.heads() + config.keyValueHeads();
    queryKeyValueBlocks = new Columns(0, query, queryKey, all);
    queryKeyBlocks = new Columns(0, query, queryKey);
    rotatedBlock = new Columns(0, queryKey);
    gateUpBlocks = new Columns(0, config.feedForwardSize(), 2 * config.feedForwardSize());
    gradientGateUpBlocks = new Columns(0, config.feedForwardSize(), 2 * config.feedForwardSize());
    heads = Columns.equal(headCount, config.headSize());
    normedHeads = Columns.equal(headCount, config.headSize());
    gradientBlocks = new Columns(0, query, queryKey, all);
    gradientRotatedBlock = new Columns(0, queryKey);
    gradientHeads = Columns.equal(headCount, config.headSize());
    normedGradientBlocks = new Columns(0, query, queryKey);
    normedGradientHeads = Columns.equal(headCount, config.headSize());
  }

  /** Whether anything of this block or before it is trained. */
  boolean trainedUpToHere() {
    return belowDown() || groups.down().trained();
  }

  private boolean belowQueryKeyValue() {
    return trainedBefore || norms.input().trained();
  }

  private boolean belowOutput() {
    boolean headNorms = norms.query() != null && (norms.query().trained() || norms.key().trained());
    return belowQueryKeyValue() || groups.queryKeyValue().trained() || headNorms;
  }

  private boolean belowGateUp() {
    return belowOutput() || groups.output().trained() || norms.feedForward().trained();
  }

  private boolean belowDown() {
    return belowGateUp() || groups.gateUp().trained();
  }

  /** Takes up changed parameters. */
  void refresh() {
    groups.queryKeyValue().refresh();
    groups.output().refresh();
    groups.gateUp().refresh();
    groups.down().refresh();
  }

  /**
   * Computes the block.
   *
   * @param kept holds the input; what the backward pass needs is left here
   * @param angles each token's cosines and sines
   * @param output {@code (N, C)}; may be the input's memory
   */
  void forward(
      LayerBuffers kept,
      Scratch scratch,
      RopeTable.Angles angles,
      Attention attention,
      Tensor output,
      Passage passage) {
    norms.input().forward(engine, kept.input, scratch.normed, kept.inputInverseRms);
    groups
        .queryKeyValue()
        .forward(
            scratch.normed, null, kept.queryKeyValue, kept.queryKeyValueFactors, scratch, passage);
    Tensor rotated = rotatedBlock.of(kept.queryKeyValue)[0];
    if (norms.query() != null) {
      normalizeHeads(kept);
      rotated = kept.normedQueryKey;
    }
    engine.rope(rotated, angles.cos(), angles.sin(), angles.rows(), config.headSize(), false);
    Tensor[] queryKey = queryKey(kept);
    Tensor value = queryKeyValueBlocks.of(kept.queryKeyValue)[2];
    attention.read(layer, shape, queryKey[0], queryKey[1], value, kept.attention, kept.logSumExp);
    groups
        .output()
        .forward(kept.attention, kept.input, kept.middle, kept.outputFactors, scratch, passage);
    norms.feedForward().forward(engine, kept.middle, scratch.normed, kept.middleInverseRms);
    groups
        .gateUp()
        .forward(scratch.normed, null, kept.gateUp, kept.gateUpFactors, scratch, passage);
    Tensor[] gateUp = gateUpBlocks.of(kept.gateUp);
    engine.swiglu(gateUp[0], gateUp[1], scratch.activation);
    groups
        .down()
        .forward(scratch.activation, kept.middle, output, kept.downFactors, scratch, passage);
  }

  private Tensor[] queryKey(LayerBuffers kept) {
    return norms.query() == null
        ? queryKeyValueBlocks.of(kept.queryKeyValue)
        : queryKeyBlocks.of(kept.normedQueryKey);
  }

  private void normalizeHeads(LayerBuffers kept) {
    Tensor[] raw = heads.of(rotatedBlock.of(kept.queryKeyValue)[0]);
    Tensor[] normed = normedHeads.of(kept.normedQueryKey);
    for (int head = 0; head < raw.length; head++) {
      headNorm(head).forward(engine, raw[head], normed[head], kept.headInverseRms[head]);
    }
  }

  private Norm headNorm(int head) {
    return head < config.heads() ? norms.query() : norms.key();
  }

  /**
   * Adds to the gradients of the block's parameters and turns the gradient of its output into that
   * of its input, as far down as something is trained.
   *
   * @param kept what the forward pass left; gate and up may be overwritten
   * @param d {@code (N, C)}
   */
  void backward(
      LayerBuffers kept,
      Scratch scratch,
      DocumentRows rows,
      DocumentAttention attention,
      Tensor d,
      Passage passage) {
    feedForwardBackward(kept, scratch, d, passage);
    if (belowGateUp()) {
      attentionBackward(kept, scratch, rows, attention, d, passage);
    }
  }

  private void feedForwardBackward(LayerBuffers kept, Scratch scratch, Tensor d, Passage passage) {
    Scratch.Gradients gradients = scratch.gradients;
    Tensor[] gateUp = gateUpBlocks.of(kept.gateUp);
    if (!belowDown()) {
      engine.swiglu(gateUp[0], gateUp[1], scratch.activation);
      groups.down().backward(d, scratch.activation, null, kept.downFactors, scratch, passage);
      return;
    }
    Tensor dActivation = gradients.activation;
    Tensor upstream =
        groups.down().inputBackward(d, dActivation, kept.downFactors, scratch, passage);
    Tensor dGateUp = gradients.gateUp == null ? kept.gateUp : gradients.gateUp;
    Tensor[] dBlocks = gradientGateUpBlocks.of(dGateUp);
    if (groups.down().trained()) {
      // The activation is made again where its gradient reads the same memory.
      engine.swigluAndGradient(
          dActivation, gateUp[0], gateUp[1], dBlocks[0], dBlocks[1], scratch.activation);
      groups.down().weightsBackward(upstream, scratch.activation, scratch, passage);
    } else {
      engine.swigluGradient(dActivation, gateUp[0], gateUp[1], dBlocks[0], dBlocks[1]);
    }
    if (groups.gateUp().trained()) {
      norms.feedForward().forward(engine, kept.middle, scratch.normed, kept.middleInverseRms);
    }
    Tensor dNormed = belowGateUp() ? gradients.normed : null;
    groups
        .gateUp()
        .backward(dGateUp, scratch.normed, dNormed, kept.gateUpFactors, scratch, passage);
    if (belowGateUp()) {
      norms.feedForward().backward(engine, dNormed, kept.middle, kept.middleInverseRms, d, true);
    }
  }

  private void attentionBackward(
      LayerBuffers kept,
      Scratch scratch,
      DocumentRows rows,
      DocumentAttention attention,
      Tensor d,
      Passage passage) {
    RopeTable.Angles angles = rows.angles();
    Scratch.Gradients gradients = scratch.gradients;
    Tensor dAttention = belowOutput() ? gradients.attention : null;
    groups.output().backward(d, kept.attention, dAttention, kept.outputFactors, scratch, passage);
    if (!belowOutput()) {
      return;
    }
    Tensor[] queryKey = queryKey(kept);
    Tensor value = queryKeyValueBlocks.of(kept.queryKeyValue)[2];
    Tensor[] dBlocks = gradientBlocks.of(gradients.queryKeyValue);
    boolean normed = norms.query() != null;
    Tensor[] dQueryKey = normed ? normedGradientBlocks.of(gradients.normedQueryKey) : dBlocks;
    attention.gradient(
        rows,
        shape,
        dAttention,
        queryKey[0],
        queryKey[1],
        value,
        kept.attention,
        kept.logSumExp,
        dQueryKey[0],
        dQueryKey[1],
        dBlocks[2]);
    Tensor dRotated =
        normed ? gradients.normedQueryKey : gradientRotatedBlock.of(gradients.queryKeyValue)[0];
    engine.rope(dRotated, angles.cos(), angles.sin(), angles.rows(), config.headSize(), true);
    if (normed) {
      headNormsBackward(kept, gradients);
    }
    if (groups.queryKeyValue().trained()) {
      norms.input().forward(engine, kept.input, scratch.normed, kept.inputInverseRms);
    }
    Tensor dNormed = belowQueryKeyValue() ? gradients.normed : null;
    groups
        .queryKeyValue()
        .backward(
            gradients.queryKeyValue,
            scratch.normed,
            dNormed,
            kept.queryKeyValueFactors,
            scratch,
            passage);
    if (belowQueryKeyValue()) {
      norms.input().backward(engine, dNormed, kept.input, kept.inputInverseRms, d, true);
    }
  }

  private void headNormsBackward(LayerBuffers kept, Scratch.Gradients gradients) {
    Tensor[] raw = heads.of(rotatedBlock.of(kept.queryKeyValue)[0]);
    Tensor[] dNormed = normedGradientHeads.of(gradients.normedQueryKey);
    Tensor[] dRaw = gradientHeads.of(gradientRotatedBlock.of(gradients.queryKeyValue)[0]);
    for (int head = 0; head < raw.length; head++) {
      headNorm(head)
          .backward(engine, dNormed[head], raw[head], kept.headInverseRms[head], dRaw[head], false);
    }
  }
}
