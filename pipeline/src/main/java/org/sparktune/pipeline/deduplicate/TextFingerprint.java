package org.sparktune.pipeline.deduplicate;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.commons.codec.digest.MurmurHash3;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTexts;
import org.sparktune.pipeline.spec.DeduplicateOptions;
import org.sparktune.pipeline.text.Words;
import org.sparktune.tokenizer.chat.ChatMessage;

/** What of a record is compared with others: 128 bits of its text, and a signature of its words. */
public final class TextFingerprint {
  private static final byte[] NO_SIGNATURE = new byte[0];

  private final MinHash minHash;
  private final int ngram;
  private final boolean fuzzy;

  /**
   * A record's fingerprint.
   *
   * @param high half of the hash of its text
   * @param low the other half
   * @param signature its MinHash signature; empty if there is none
   */
  public record Value(long high, long low, byte[] signature) {}

  /** Fingerprints as the options want them. */
  public TextFingerprint(DeduplicateOptions options) {
    this.minHash = new MinHash(options.permutations(), options.threshold());
    this.ngram = options.ngram();
    this.fuzzy = options.fuzzy();
  }

  /** The fingerprint of a record. */
  public Value of(Sample sample) {
    byte[] bytes = normalized(exactText(sample)).getBytes(StandardCharsets.UTF_8);
    long[] hash = MurmurHash3.hash128x64(bytes);
    return new Value(hash[0], hash[1], fuzzy ? signature(sample) : NO_SIGNATURE);
  }

  private byte[] signature(Sample sample) {
    long[] runs = Words.of(SampleTexts.joined(sample)).runs(ngram);
    return runs.length == 0 ? NO_SIGNATURE : minHash.signature(runs);
  }

  /** Everything that is said, and by whom. */
  private static String exactText(Sample sample) {
    if (sample instanceof Sample.Pair pair) {
      return exactText(pair.chosen()) + "\u0000" + exactText(pair.rejected());
    }
    if (sample instanceof Sample.Prompt prompt) {
      return exactText(prompt.asked()) + "\u0000" + prompt.answer();
    }
    if (sample instanceof Sample.Chat chat) {
      StringBuilder text = new StringBuilder();
      for (ChatMessage message : chat.conversation().messages()) {
        text.append(message.role()).append('\u0001');
        text.append(message.content() == null ? "" : message.content());
        text.append(message.toolCalls().isEmpty() ? "" : message.toolCalls()).append('\u0000');
      }
      return text.toString();
    }
    if (sample instanceof Sample.Completion completion) {
      return completion.prompt() + "\u0000" + completion.completion();
    }
    return SampleTexts.joined(sample);
  }

  /** Lower case; a run of blanks is one. */
  static String normalized(String text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean blank = true;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean space = Character.isWhitespace(c) || Character.isSpaceChar(c);
      if (!space) {
        result.append(c);
      } else if (!blank) {
        result.append(' ');
      }
      blank = space;
    }
    if (blank && !result.isEmpty()) {
      result.setLength(result.length() - 1);
    }
    return result.toString().toLowerCase(Locale.ROOT);
  }
}
