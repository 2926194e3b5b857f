package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.KeyValueCache;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/** Continues prompts with a key/value cache, several at once. */
public final class Generator {
  /** Enough for products to run at full speed; more would only take more memory. */
  private static final int PROMPT_TOKENS_PER_PASS = 1024;

  /** Enough to keep all cores busy; more would only take more memory. */
  private static final int SAMPLED_TOGETHER = 64;

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
   * @param stopId the id that ended it, {@link #UNSTOPPED} where it reached the limit
   */
  public record Continuation(int[] tokens, int stopId) {
    /** No stop id was chosen. */
    public static final int UNSTOPPED = -1;

    /** Whether a stop id ended it; otherwise it reached the limit. */
    public boolean stopped() {
      return stopId != UNSTOPPED;
    }
  }

  /** A prompt on its way. */
  private static final class Sequence {
    private final Sampler sampler;
    private final int index;
    private final int limit;
    private final int[] tokens;
    private int count;
    private int[] pending;
    private int stopId = Continuation.UNSTOPPED;

    Sequence(Sampler sampler, int index, int limit, int[] prompt) {
      this.sampler = sampler;
      this.index = index;
      this.limit = limit;
      this.tokens = new int[limit];
      this.pending = prompt;
    }

    boolean finished() {
      return stopId != Continuation.UNSTOPPED || count == limit;
    }

    int capacity() {
      return pending.length + limit;
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
    List<Sequence> sequences = new ArrayList<>();
    for (int[] prompt : prompts) {
      sequences.add(sequence(prompt, options, sequences.size()));
    }
    try (Session session = new Session(sequences, options, stopIds, listener)) {
      for (List<Sequence> together : passes(sequences)) {
        session.advance(together);
      }
      List<Sequence> unfinished = unfinished(sequences);
      while (!unfinished.isEmpty()) {
        session.advance(unfinished);
        unfinished = unfinished(unfinished);
      }
    }
    List<Continuation> continuations = new ArrayList<>();
    for (Sequence sequence : sequences) {
      int[] tokens = Arrays.copyOf(sequence.tokens, sequence.count);
      continuations.add(new Continuation(tokens, sequence.stopId));
    }
    return continuations;
  }

  private Sequence sequence(int[] prompt, SamplingOptions options, int index) {
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
    Sampler sampler = new Sampler(options, index);
    sampler.see(prompt);
    return new Sequence(sampler, index, limit, prompt);
  }

  /** Prompts that are read in one pass: as many as stay below a number of tokens. */
  private static List<List<Sequence>> passes(List<Sequence> sequences) {
    List<List<Sequence>> passes = new ArrayList<>();
    int tokens = 0;
    for (Sequence sequence : sequences) {
      tokens += sequence.pending.length;
      if (passes.isEmpty() || tokens > PROMPT_TOKENS_PER_PASS) {
        passes.add(new ArrayList<>());
        tokens = sequence.pending.length;
      }
      passes.get(passes.size() - 1).add(sequence);
    }
    return passes;
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

  /** What all passes of a call share. */
  private final class Session implements AutoCloseable {
    private final SamplingOptions options;
    private final Set<Integer> stopIds;
    private final TokenListener listener;
    private final Engine engine = decoder.engine();
    private final int vocabulary = decoder.config().vocabularySize();
    private final KeyValueCache cache;
    private final TensorArena arena;

    /** {@code (S, V)}. */
    private final Tensor logits;

    Session(
        List<Sequence> sequences,
        SamplingOptions options,
        Set<Integer> stopIds,
        TokenListener listener) {
      this.options = options;
      this.stopIds = stopIds;
      this.listener = listener;
      int[] capacities = sequences.stream().mapToInt(Sequence::capacity).toArray();
      DecoderConfig config = decoder.config();
      cache = engine.keyValueCache(config.layers(), config.keyColumns(), capacities);
      arena = engine.arena("next-token logits");
      logits = arena.allocate(DType.F32, Math.max(1, capacities.length), vocabulary);
    }

    /** Runs the pending tokens of sequences and chooses the next token of each. */
    void advance(List<Sequence> sequences) {
      Tensor computed = logits.rows(0, sequences.size());
      run(sequences, computed);
      int[] tokens = choose(sequences, computed);
      for (int i = 0; i < tokens.length; i++) {
        Sequence sequence = sequences.get(i);
        sequence.pending = new int[] {tokens[i]};
        if (stopIds.contains(tokens[i])) {
          sequence.stopId = tokens[i];
        } else {
          sequence.tokens[sequence.count++] = tokens[i];
          listener.chosen(sequence.index, tokens[i]);
        }
      }
    }

    private int[] choose(List<Sequence> sequences, Tensor computed) {
      if (options.takesLikeliest()) {
        return engine.greatestColumns(computed);
      }
      if (options.drawsFromAll()) {
        double[] numbers = sequences.stream().mapToDouble(s -> s.sampler.number()).toArray();
        return engine.drawColumns(computed, options.temperature(), numbers);
      }
      int[] tokens = new int[sequences.size()];
      for (int first = 0; first < tokens.length; first += SAMPLED_TOGETHER) {
        sample(sequences, first, computed, tokens);
      }
      return tokens;
    }

    /** Draws the next tokens of some sequences, each from a stream of its own, in any order. */
    private void sample(List<Sequence> sequences, int first, Tensor computed, int[] tokens) {
      int count = Math.min(SAMPLED_TOGETHER, tokens.length - first);
      float[] rows = engine.toArray(computed.rows(first, first + count));
      IntStream.range(0, count)
          .parallel()
          .forEach(
              i -> {
                float[] row = Arrays.copyOfRange(rows, i * vocabulary, (i + 1) * vocabulary);
                tokens[first + i] = sequences.get(first + i).sampler.next(row);
              });
    }

    /** One pass of pending tokens against the cache. */
    private void run(List<Sequence> sequences, Tensor computed) {
      int count = sequences.size();
      int[] starts = new int[count + 1];
      int[] indexes = new int[count];
      int[] lastRows = new int[count];
      RopeTable.Span[] spans = new RopeTable.Span[count];
      for (int i = 0; i < count; i++) {
        Sequence sequence = sequences.get(i);
        int cached = cache.length(sequence.index);
        starts[i + 1] = starts[i] + sequence.pending.length;
        indexes[i] = sequence.index;
        lastRows[i] = starts[i + 1] - 1;
        spans[i] = new RopeTable.Span(cached, cached + sequence.pending.length);
      }
      int[] tokens = new int[starts[count]];
      for (int i = 0; i < count; i++) {
        int[] pending = sequences.get(i).pending;
        System.arraycopy(pending, 0, tokens, starts[i], pending.length);
      }
      KeyValueCache.Rows rows = new KeyValueCache.Rows(indexes, starts);
      Workspace workspace = decoder.inference();
      workspace.resize(tokens.length);
      decoder.run(
          tokens,
          workspace,
          decoder.rope().of(spans),
          (layer, shape, q, k, v, out, logSumExp) -> cache.attend(layer, rows, q, k, v, shape, out),
          Passage.PLAIN);
      cache.grow(rows);
      decoder.logitsOfRows(lastRows, computed);
    }

    @Override
    public void close() {
      cache.close();
      arena.close();
    }
  }
}
