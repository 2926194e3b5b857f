package org.sparktune.tokenizer.train;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.tokenizer.bpe.ByteAlphabet;
import org.sparktune.tokenizer.split.Splitter;
import org.sparktune.tokenizer.split.Splitters;
import org.sparktune.tokenizer.split.Words;
import org.sparktune.tokenizer.text.NormalizerChain;
import org.sparktune.tokenizer.text.Normalizers;
import org.sparktune.tokenizer.text.Piece;
import org.sparktune.tokenizer.text.TextBuffer;

/** How often each word occurs in the texts. */
final class WordCounts {
  private final Map<String, long[]> counts = new HashMap<>();
  private final Splitter splitter = Splitters.cl100k(1);
  private final NormalizerChain normalizer =
      new NormalizerChain(List.of(Normalizers.unicode(Form.NFC)));
  private final TextBuffer text = new TextBuffer();
  private final TextBuffer[] scratch = {new TextBuffer(), new TextBuffer()};
  private final Piece piece = new Piece();
  private final Words words = new Words();

  void add(String newText) {
    text.load(newText, false);
    piece.set(text, 0, text.length());
    normalizer.apply(piece, scratch, false);
    char[] chars = piece.buffer.chars();
    int at = piece.start;
    while (at < piece.end) {
      words.clear();
      at = splitter.split(chars, at, piece.start, piece.end, words);
      for (int i = 0; i < words.size(); i++) {
        String word = new String(chars, words.start(i), words.end(i) - words.start(i));
        counts.computeIfAbsent(word, absent -> new long[1])[0]++;
      }
    }
  }

  /** The words in the order of their text, so that nothing depends on the order of the texts. */
  List<String> sortedWords() {
    List<String> sorted = new ArrayList<>(counts.keySet());
    sorted.sort(null);
    return sorted;
  }

  long count(String word) {
    return counts.get(word)[0];
  }

  /** The initial symbols of a word: places of its bytes in the byte alphabet. */
  static int[] symbols(String word) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    int[] symbols = new int[bytes.length];
    for (int i = 0; i < symbols.length; i++) {
      symbols[i] = ByteAlphabet.rank(bytes[i] & 0xFF);
    }
    return symbols;
  }
}
