package org.sparktune.tokenizer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.sparktune.core.Fingerprint;

/**
 * What a tokenizer makes of a whole corpus, in a form that fits on one line: how many ids, and a
 * fingerprint of them all. {@code main} records what Hugging Face's library answers, so that every
 * build can compare all of every corpus in seconds.
 *
 * <p>Run: {@code java -Dsparktune.shared=../shared -cp <test class path>
 * org.sparktune.tokenizer.CorpusIds > tokenizer/src/test/resources/huggingface-corpora.tsv}
 */
final class CorpusIds {
  private CorpusIds() {}

  /** The ids of a corpus encoded at once. */
  static String whole(Function<String, int[]> tokenizer, Path corpus) throws IOException {
    int[] ids = tokenizer.apply(Files.readString(corpus));
    return ids.length + "\t" + new Fingerprint().add(bytes(ids)).finish();
  }

  /** The ids of a corpus encoded line by line, line ends included. */
  static String lines(Function<String, int[]> tokenizer, Path corpus) throws IOException {
    Fingerprint fingerprint = new Fingerprint();
    long count = 0;
    for (String line : Files.readString(corpus).split("(?<=\n)", -1)) {
      int[] ids = tokenizer.apply(line);
      count += ids.length;
      fingerprint.add(bytes(ids));
    }
    return count + "\t" + fingerprint.finish();
  }

  private static byte[] bytes(int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
    bytes.asIntBuffer().put(ids);
    return bytes.array();
  }

  /** Prints tokenizer, corpus, way of encoding, number of ids and their fingerprint. */
  public static void main(String[] arguments) throws IOException {
    for (String tokenizer : SharedAssets.TOKENIZERS) {
      try (HuggingFace theirs = new HuggingFace(SharedAssets.path(tokenizer))) {
        for (String corpus : SharedAssets.CORPORA) {
          Path file = SharedAssets.path(corpus);
          String prefix = tokenizer + "\t" + corpus + "\t";
          System.out.println(prefix + "whole\t" + whole(text -> theirs.encode(text, false), file));
          System.out.println(prefix + "lines\t" + lines(text -> theirs.encode(text, false), file));
        }
      }
    }
  }
}
