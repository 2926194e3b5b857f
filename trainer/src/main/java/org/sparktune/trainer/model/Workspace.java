package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * The memory of a pass over N tokens. One block, sized for the largest batch seen so far, is cut
 * anew when N changes; with an unchanged N nothing is allocated.
 */
final class Workspace implements AutoCloseable {
  private final DecoderPlan plan;
  private final boolean backward;
  private final DType operandType;
  private Arena arena = new Arena("activations");
  private Tensor block;
  private int tokens = -1;
  private int[] positions;
  private List<LayerBuffers> layers = List.of();
  private Scratch scratch;

  /**
   * @param backward whether every block's activations are kept for a backward pass; otherwise all
   *     blocks share one set
   * @param operandType the type in which the engine's products read their operands best
   */
  Workspace(DecoderPlan plan, boolean backward, DType operandType) {
    this.plan = plan;
    this.backward = backward;
    this.operandType = operandType;
  }

  /** The bytes for so many tokens. */
  static long bytes(DecoderPlan plan, boolean backward, int tokens, DType operandType) {
    Carver carver = Carver.measuring();
    cutLayers(carver, plan, backward, tokens);
    new Scratch(carver, plan, tokens, backward, operandType);
    return carver.used();
  }

  /** Makes room for N tokens. */
  void resize(int newTokens) {
    if (newTokens == tokens) {
      return;
    }
    long needed = bytes(plan, backward, newTokens, operandType);
    if (block == null || block.byteSize() < needed) {
      arena.close();
      arena = new Arena("activations of %,d tokens".formatted(newTokens));
      block = arena.allocate(DType.I8, needed);
    }
    Carver carver = Carver.of(block);
    layers = cutLayers(carver, plan, backward, newTokens);
    scratch = new Scratch(carver, plan, newTokens, backward, operandType);
    positions = new int[newTokens];
    for (int i = 0; i < newTokens; i++) {
      positions[i] = i;
    }
    tokens = newTokens;
  }

  private static List<LayerBuffers> cutLayers(
      Carver carver, DecoderPlan plan, boolean backward, int tokens) {
    List<LayerBuffers> layers = new ArrayList<>();
    long start = carver.used();
    long end = start;
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      if (!backward) {
        carver.rewind(start);
      }
      layers.add(new LayerBuffers(carver, plan.config(), layer, tokens));
      end = Math.max(end, carver.used());
    }
    carver.rewind(end);
    return layers;
  }

  int tokens() {
    return tokens;
  }

  LayerBuffers layer(int layer) {
    return layers.get(layer);
  }

  Scratch scratch() {
    return scratch;
  }

  /** 0, 1, … N - 1: each token has its own row of cosines and sines. */
  int[] positions() {
    return positions;
  }

  /** Bytes held. */
  long allocatedBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
