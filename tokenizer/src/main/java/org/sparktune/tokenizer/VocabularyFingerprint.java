package org.sparktune.tokenizer;

import java.nio.charset.StandardCharsets;
import org.sparktune.core.Fingerprint;
import org.sparktune.tokenizer.bpe.ByteAlphabet;

/**
 * The fingerprint of a vocabulary: the bytes that each id stands for. Unused ids at the end, with
 * which GGUF files fill up to the size of the embedding, are left out.
 */
final class VocabularyFingerprint {
  private VocabularyFingerprint() {}

  static String of(TokenizerVocabulary vocabulary) {
    boolean byteLevel = vocabulary.model().equals("gpt2");
    int size = vocabulary.sizeWithoutFiller();
    Fingerprint fingerprint = new Fingerprint().add("sparktune tokenizer 1").add(byteLevel ? 1 : 0);
    fingerprint.add(size);
    for (int id = 0; id < size; id++) {
      String token = vocabulary.tokens().get(id);
      byte[] spelled =
          byteLevel && vocabulary.tokenTypes()[id] == TokenizerVocabulary.NORMAL
              ? ByteAlphabet.bytesOf(token)
              : null;
      fingerprint.add(spelled != null ? spelled : token.getBytes(StandardCharsets.UTF_8));
    }
    return fingerprint.finish();
  }
}
