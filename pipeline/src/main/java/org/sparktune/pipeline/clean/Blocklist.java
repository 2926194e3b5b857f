package org.sparktune.pipeline.clean;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.text.LongCounts;
import org.sparktune.pipeline.text.Words;

/** Refuses text with a word or phrase of a list: whole words, in any case. */
final class Blocklist implements TextFilter {
  /** By the number of words of a phrase: the hashes of all such phrases. */
  private final Map<Integer, LongCounts> phrases = new HashMap<>();

  private final Map<Long, String> written = new HashMap<>();

  /**
   * @param lines a word or phrase each; those that are empty or begin with {@code #} are passed
   *     over
   */
  Blocklist(List<String> lines) {
    for (String line : lines) {
      Words words = Words.of(line);
      if (!line.startsWith("#") && words.count() > 0) {
        long hash = words.runs(words.count())[0];
        phrases.computeIfAbsent(words.count(), unused -> new LongCounts(16)).add(hash);
        written.put(hash, line.strip());
      }
    }
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    Words words = Words.of(text);
    for (Map.Entry<Integer, LongCounts> entry : phrases.entrySet()) {
      if (words.count() < entry.getKey()) {
        continue;
      }
      for (long run : words.runs(entry.getKey())) {
        if (entry.getValue().contains(run)) {
          throw new RejectException(
              RejectReason.BLOCKLIST, "it holds \"" + written.get(run) + "\" of the blocklist");
        }
      }
    }
  }
}
