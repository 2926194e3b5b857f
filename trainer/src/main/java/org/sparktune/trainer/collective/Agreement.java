package org.sparktune.trainer.collective;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Lets ranks do something and agree on how it went: either it went well for all, or all end with
 * the same failure. Texts of any length travel as numbers through {@link Collective#sum}, to which
 * only their owner contributes.
 */
public final class Agreement {
  private static final Logger LOG = LoggerFactory.getLogger(Agreement.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Collective collective;

  /** Lets the ranks of a collective agree. */
  public Agreement(Collective collective) {
    this.collective = collective;
  }

  /** What a rank says: a value as JSON, or a failure. */
  private record Word(
      @JsonProperty("value") JsonNode value,
      @JsonProperty("code") ErrorCode code,
      @JsonProperty("message") String message,
      @JsonProperty("hint") String hint) {}

  /**
   * Every rank does its part.
   *
   * @param type of what the parts return, representable as JSON
   * @return what every rank's part returned, by rank
   * @throws SparktuneException on every rank, if any failed: the failure of the first that did
   */
  public <T> List<T> all(Class<T> type, Supplier<T> part) {
    Word mine;
    RuntimeException cause = null;
    try {
      mine = new Word(JSON.valueToTree(part.get()), null, null, null);
    } catch (SparktuneException e) {
      cause = e;
      mine = new Word(null, e.code(), e.getMessage(), e.hint());
    } catch (RuntimeException e) {
      cause = e;
      mine = new Word(null, ErrorCode.INTERNAL, e.toString(), "");
    }
    List<T> values = new ArrayList<>();
    List<String> said = gather(write(mine));
    for (int rank = 0; rank < said.size(); rank++) {
      Word word = read(said.get(rank));
      if (word.code() != null) {
        throw failure(rank, word, rank == collective.rank() ? cause : null);
      }
      values.add(value(word, type));
    }
    return values;
  }

  /**
   * The first rank does something for all.
   *
   * @return what it returned
   * @throws SparktuneException on every rank, if it failed
   */
  public <T> T first(Class<T> type, Supplier<T> part) {
    return all(type, () -> collective.rank() == 0 ? part.get() : null).get(0);
  }

  /**
   * Called by every rank before it ends with a failure that all have come to: whoever leaves then
   * cannot take another by surprise that does not know of the failure yet.
   */
  public void settle() {
    try {
      collective.barrier();
    } catch (SparktuneException e) {
      // Another has left already, with the failure that this rank is about to report.
      LOG.debug("A rank left before this one", e);
    }
  }

  /** Every rank's text, by rank. */
  public List<String> gather(String mine) {
    byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
    long[] sizes = new long[collective.ranks()];
    sizes[collective.rank()] = bytes.length;
    collective.sum(sizes);
    int[] starts = new int[sizes.length];
    int total = 0;
    for (int rank = 0; rank < sizes.length; rank++) {
      starts[rank] = total;
      total = Math.addExact(total, numbers(sizes[rank]));
    }
    long[] all = new long[total];
    ByteBuffer padded = ByteBuffer.allocate(numbers(bytes.length) * Long.BYTES).put(bytes).rewind();
    padded.asLongBuffer().get(all, starts[collective.rank()], numbers(bytes.length));
    sum(all);
    List<String> texts = new ArrayList<>();
    for (int rank = 0; rank < sizes.length; rank++) {
      int length = numbers(sizes[rank]);
      ByteBuffer buffer = ByteBuffer.allocate(length * Long.BYTES);
      buffer.asLongBuffer().put(all, starts[rank], length);
      texts.add(
          new String(buffer.array(), 0, Math.toIntExact(sizes[rank]), StandardCharsets.UTF_8));
    }
    return texts;
  }

  /** {@link Collective#sum} of any length. */
  public void sum(long[] numbers) {
    for (int from = 0; from < numbers.length; from += Collective.MAX_NUMBERS) {
      int to = Math.min(numbers.length, from + Collective.MAX_NUMBERS);
      long[] piece = Arrays.copyOfRange(numbers, from, to);
      collective.sum(piece);
      System.arraycopy(piece, 0, numbers, from, piece.length);
    }
  }

  private static int numbers(long bytes) {
    return Math.toIntExact((bytes + Long.BYTES - 1) / Long.BYTES);
  }

  private RuntimeException failure(int rank, Word word, RuntimeException cause) {
    if (cause != null && !(cause instanceof SparktuneException)) {
      return cause;
    }
    String message =
        collective.ranks() == 1
            ? word.message()
            : "Rank %d of %d: %s".formatted(rank, collective.ranks(), word.message());
    return new SparktuneException(word.code(), message, word.hint(), cause);
  }

  private static String write(Word word) {
    try {
      return JSON.writeValueAsString(word);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Texts are always JSON", e);
    }
  }

  private static Word read(String text) {
    try {
      return JSON.readValue(text, Word.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A rank said something else than JSON: " + text, e);
    }
  }

  private static <T> T value(Word word, Class<T> type) {
    try {
      return JSON.treeToValue(word.value(), type);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A rank said something else than " + type, e);
    }
  }
}
