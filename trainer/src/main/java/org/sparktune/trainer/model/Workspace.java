package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * The memory of a pass over N tokens. One block, sized for the largest batch seen so far, is cut
 * anew when N changes; with an unchanged N nothing is allocated.
 */
final class Workspace implements AutoCloseable {
  private final DecoderPlan plan;
  private final boolean backward;
  private final Engine engine;
  private final ElementTypes types;
  private TensorArena arena;
  private Tensor block;
  private int tokens = -1;
  private List<LayerBuffers> layers = List.of();
  private Scratch scratch;

  /**
   * @param backward whether every block's activations are kept for a backward pass; otherwise all
   *     blocks share one set
   */
  Workspace(DecoderPlan plan, boolean backward, Engine engine) {
    this.plan = plan;
    this.backward = backward;
    this.engine = engine;
    this.types = ElementTypes.of(engine);
  }

  /** The bytes for so many tokens. */
  static long bytes(DecoderPlan plan, boolean backward, int tokens, ElementTypes types) {
    Carver carver = Carver.measuring(types);
    cutLayers(carver, plan, backward, tokens);
    new Scratch(carver, plan, tokens, backward);
    return carver.used();
  }

  /** Makes room for N tokens. */
  void resize(int newTokens) {
    if (newTokens == tokens) {
      return;
    }
    long needed = bytes(plan, backward, newTokens, types);
    if (block == null || block.byteSize() < needed) {
      close();
      arena = engine.arena("activations of %,d tokens".formatted(newTokens));
      block = arena.allocate(DType.I8, needed);
    }
    Carver carver = Carver.of(block, types);
    layers = cutLayers(carver, plan, backward, newTokens);
    scratch = new Scratch(carver, plan, newTokens, backward);
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

  /** Bytes held. */
  long allocatedBytes() {
    return arena == null ? 0 : arena.allocatedBytes();
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }
}
