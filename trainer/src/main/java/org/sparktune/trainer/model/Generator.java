package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Continues prompts with a key/value cache, several at once. */
public final class Generator {
  private final Decoder decoder;

  /** Is told of every token as it is chosen. */
  @FunctionalInterface
  public interface TokenListener {
    /**
     * A token was chosen.
     *
     * @param sequence index of the prompt
     * @param token the chosen id
     */
    void chosen(int sequence, int token);
  }

  /**
   * What was generated for a prompt.
   *
   * @param tokens the new ids, without the stop id
   * @param stopped whether a stop id ended it; otherwise it reached the limit
   */
  public record Continuation(int[] tokens, boolean stopped) {}

  /** A prompt on its way. */
  private static final class Sequence {
    private final KeyValueCache cache;
    private final Sampler sampler;
    private final int index;
    private final int limit;
    private final int[] tokens;
    private int count;
    private int[] pending;
    private boolean stopped;

    Sequence(KeyValueCache cache, Sampler sampler, int index, int limit, int[] prompt) {
      this.cache = cache;
      this.sampler = sampler;
      this.index = index;
      this.limit = limit;
      this.tokens = new int[limit];
      this.pending = prompt;
    }

    boolean finished() {
      return stopped || count == limit;
    }
  }

  /**
   * @param decoder the model; its adapter takes part
   */
  public Generator(Decoder decoder) {
    this.decoder = decoder;
  }

  /**
   * Continues prompts.
   *
   * @param prompts ids, at least one each
   * @param stopIds ids that end a sequence
   * @param listener is told of every token but stop ids
   * @return one continuation a prompt, in their order
   */
  public List<Continuation> generate(
      List<int[]> prompts, SamplingOptions options, Set<Integer> stopIds, TokenListener listener) {
    try (Arena arena = new Arena("the key/value cache")) {
      List<Sequence> sequences = new ArrayList<>();
      for (int[] prompt : prompts) {
        sequences.add(sequence(prompt, options, sequences.size(), arena));
      }
      for (Sequence sequence : sequences) {
        advance(List.of(sequence), stopIds, listener);
      }
      List<Sequence> unfinished = unfinished(sequences);
      while (!unfinished.isEmpty()) {
        advance(unfinished, stopIds, listener);
        unfinished = unfinished(unfinished);
      }
      List<Continuation> continuations = new ArrayList<>();
      for (Sequence sequence : sequences) {
        int[] tokens = Arrays.copyOf(sequence.tokens, sequence.count);
        continuations.add(new Continuation(tokens, sequence.stopped));
      }
      return continuations;
    }
  }

  private Sequence sequence(int[] prompt, SamplingOptions options, int index, Arena arena) {
    int room = decoder.config().maxPositions() - prompt.length;
    if (prompt.length == 0 || room < 1) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "Prompt %d has %d tokens; the model continues 1 to %d."
              .formatted(index, prompt.length, decoder.config().maxPositions() - 1),
          prompt.length == 0 ? "Give a prompt." : "Shorten the prompt.");
    }
    decoder.checkIds(prompt);
    int limit = Math.min(options.maxNewTokens(), room);
    KeyValueCache cache = new KeyValueCache(decoder.config(), prompt.length + limit, arena);
    Sampler sampler = new Sampler(options, index);
    sampler.see(prompt);
    return new Sequence(cache, sampler, index, limit, prompt);
  }

  private static List<Sequence> unfinished(List<Sequence> sequences) {
    List<Sequence> unfinished = new ArrayList<>();
    for (Sequence sequence : sequences) {
      if (!sequence.finished()) {
        unfinished.add(sequence);
      }
    }
    return unfinished;
  }

  /** Runs the pending tokens of sequences and chooses the next token of each. */
  private void advance(List<Sequence> sequences, Set<Integer> stopIds, TokenListener listener) {
    CachedPass pass = new CachedPass(sequences);
    int vocabulary = decoder.config().vocabularySize();
    try (Arena arena = new Arena("next-token logits")) {
      Tensor logits = arena.allocate(DType.F32, sequences.size(), vocabulary);
      pass.run(logits);
      float[] row = new float[vocabulary];
      for (int i = 0; i < sequences.size(); i++) {
        Sequence sequence = sequences.get(i);
        Memory.copyToHeap(logits.rowAddress(i), row, vocabulary);
        int token = sequence.sampler.next(row);
        sequence.pending = new int[] {token};
        sequence.stopped = stopIds.contains(token);
        if (!sequence.stopped) {
          sequence.tokens[sequence.count++] = token;
          listener.chosen(sequence.index, token);
        }
      }
    }
  }

  /** One pass of pending tokens against the caches. */
  private final class CachedPass {
    private final List<Sequence> sequences;
    private final int[] starts;
    private final int[] lengths;
    private final int[] tokens;
    private int layer;

    CachedPass(List<Sequence> sequences) {
      this.sequences = sequences;
      starts = new int[sequences.size() + 1];
      lengths = new int[sequences.size()];
      for (int i = 0; i < sequences.size(); i++) {
        Sequence sequence = sequences.get(i);
        starts[i + 1] = starts[i] + sequence.pending.length;
        lengths[i] = sequence.cache.length() + sequence.pending.length;
      }
      tokens = new int[starts[sequences.size()]];
      for (int i = 0; i < sequences.size(); i++) {
        int[] pending = sequences.get(i).pending;
        System.arraycopy(pending, 0, tokens, starts[i], pending.length);
      }
    }

    void run(Tensor logits) {
      Workspace workspace = decoder.inference();
      workspace.resize(tokens.length);
      int[] lastRows = new int[sequences.size()];
      for (int i = 0; i < lastRows.length; i++) {
        lastRows[i] = starts[i + 1] - 1;
        int cached = sequences.get(i).cache.length();
        decoder
            .rope()
            .fill(
                cached,
                lengths[i],
                lengths[i],
                starts[i],
                workspace.scratch().cos,
                workspace.scratch().sin);
      }
      decoder.run(
          tokens,
          workspace,
          (shape, q, k, v, out, logSumExp) -> {
            Tensor[] keys = new Tensor[lengths.length];
            Tensor[] values = new Tensor[lengths.length];
            for (int i = 0; i < lengths.length; i++) {
              KeyValueCache cache = sequences.get(i).cache;
              cache.append(layer, k, v, starts[i], starts[i + 1] - starts[i]);
              keys[i] = cache.keys(layer);
              values[i] = cache.values(layer);
            }
            decoder.engine().cachedAttention(q, starts, keys, values, lengths, shape, out);
            layer++;
          },
          Passage.PLAIN);
      for (int i = 0; i < lengths.length; i++) {
        sequences.get(i).cache.grow(lengths[i]);
      }
      decoder.logitsOfRows(lastRows, logits);
    }
  }
}
