package org.sparktune.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;

/** Hugging Face's own tokenizers, which ours must agree with. */
final class HuggingFace implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;

  HuggingFace(Path tokenizerJson) {
    try {
      this.tokenizer =
          HuggingFaceTokenizer.newInstance(
              tokenizerJson,
              Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int[] encode(String text, boolean addSpecialTokens) {
    return toInts(tokenizer.encode(text, addSpecialTokens, false).getIds());
  }

  /** Spans in code points, as the library counts. */
  ai.djl.huggingface.tokenizers.jni.CharSpan[] spans(String text) {
    return tokenizer.encode(text, false, false).getCharTokenSpans();
  }

  String decode(int[] ids, boolean skipSpecialTokens) {
    long[] longs = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      longs[i] = ids[i];
    }
    return tokenizer.decode(longs, skipSpecialTokens);
  }

  private static int[] toInts(long[] ids) {
    int[] ints = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      ints[i] = Math.toIntExact(ids[i]);
    }
    return ints;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
