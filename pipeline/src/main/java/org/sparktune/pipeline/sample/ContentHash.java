package org.sparktune.pipeline.sample;

import org.sparktune.pipeline.text.Hashes;
import org.sparktune.tokenizer.chat.ChatMessage;

/**
 * A 64-bit hash of what a sample says, whatever file or tokenizer it meets: FNV-1a over its UTF-16
 * units, then SplitMix64's finalizer (Steele, Lea and Flood 2014), so that all bits are good.
 */
public final class ContentHash {
  private ContentHash() {}

  /** The hash of a sample. */
  public static long of(Sample sample) {
    return mix(add(Hashes.START, sample));
  }

  private static long add(long start, Sample sample) {
    long hash = start;
    if (sample instanceof Sample.Text text) {
      hash = add(hash, text.text());
    } else if (sample instanceof Sample.Chat chat) {
      for (ChatMessage message : chat.conversation().messages()) {
        hash = add(hash, message.role());
        hash = add(hash, message.content() == null ? "" : message.content());
        hash = message.toolCalls().isEmpty() ? hash : add(hash, message.toolCalls().toString());
      }
    } else if (sample instanceof Sample.Tokens tokens) {
      for (int id : tokens.ids()) {
        hash = Hashes.add(hash, id);
      }
    } else if (sample instanceof Sample.Completion completion) {
      hash = add(add(hash, completion.prompt()), completion.completion());
    } else if (sample instanceof Sample.Prompt prompt) {
      hash = add(add(hash, prompt.asked()), prompt.answer());
    } else if (sample instanceof Sample.Pair pair) {
      hash = add(add(hash, pair.chosen()), pair.rejected());
    }
    return hash;
  }

  /** Spreads the bits of a number: neighbouring inputs give unrelated outputs. */
  public static long mix(long value) {
    return Hashes.mix(value);
  }

  private static long add(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = Hashes.add(hash, text.charAt(i));
    }
    // A separator that is no UTF-16 unit, so that fields cannot run into each other.
    return Hashes.add(hash, 0x10000);
  }
}
