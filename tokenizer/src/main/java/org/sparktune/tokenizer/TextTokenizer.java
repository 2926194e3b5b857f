package org.sparktune.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.sparktune.tokenizer.bpe.BpeModel;
import org.sparktune.tokenizer.bpe.IntList;
import org.sparktune.tokenizer.decode.ByteStreamingDecoder;
import org.sparktune.tokenizer.decode.TokenText;
import org.sparktune.tokenizer.split.SplitterChain;
import org.sparktune.tokenizer.split.Words;
import org.sparktune.tokenizer.text.AddedToken;
import org.sparktune.tokenizer.text.AddedTokenMatcher;
import org.sparktune.tokenizer.text.NormalizerChain;
import org.sparktune.tokenizer.text.Piece;
import org.sparktune.tokenizer.text.SpacePrefix;
import org.sparktune.tokenizer.text.Spaces;
import org.sparktune.tokenizer.text.TextBuffer;

/**
 * The steps of Hugging Face's tokenizers: find the added tokens that are looked for in raw text;
 * normalize what lies between; find the added tokens that are looked for in normalized text; cut
 * the rest into words; encode the words by BPE; put the post-processor's tokens around.
 */
public final class TextTokenizer implements Tokenizer {
  private final TokenizerVocabulary exported;
  private final NormalizerChain normalizers;
  private final AddedTokenMatcher rawTokens;
  private final AddedTokenMatcher normalizedTokens;
  private final SpacePrefix spacePrefix;
  private final SplitterChain splitters;
  private final int[] prefixIds;
  private final int[] suffixIds;
  private final boolean trimOffsets;
  private final TokenText tokenText;
  private final boolean[] special;
  private final Map<String, Integer> idByToken = new HashMap<>();
  private final ThreadLocal<EncodingWorkspace> workspaces;
  private final String fingerprint;

  /** A tokenizer as defined; the definition's arrays must not change afterwards. */
  public TextTokenizer(TokenizerDefinition definition) {
    this.exported = definition.exported();
    this.normalizers = definition.normalizers();
    this.spacePrefix = definition.spacePrefix();
    this.splitters = definition.splitters();
    this.prefixIds = definition.prefixIds();
    this.suffixIds = definition.suffixIds();
    this.trimOffsets = definition.trimOffsets();
    List<AddedToken> added = definition.addedTokens();
    this.rawTokens =
        new AddedTokenMatcher(
            added.stream().filter(token -> !token.normalized()).toList(), NormalizerChain.NONE);
    this.normalizedTokens =
        new AddedTokenMatcher(added.stream().filter(AddedToken::normalized).toList(), normalizers);
    String[] tokens = exported.tokens().toArray(new String[0]);
    this.special = new boolean[tokens.length];
    for (AddedToken token : added) {
      special[token.id()] |= token.special();
    }
    for (int id = 0; id < tokens.length; id++) {
      idByToken.putIfAbsent(tokens[id], id);
    }
    this.tokenText = new TokenText(tokens, special, definition.decoder());
    BpeModel model = new BpeModel(definition.model());
    this.workspaces = ThreadLocal.withInitial(() -> new EncodingWorkspace(model.encoder()));
    this.fingerprint = VocabularyFingerprint.of(exported);
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return run(text, addSpecialTokens, false).ids.toArray();
  }

  @Override
  public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
    EncodingWorkspace work = run(text, addSpecialTokens, true);
    int[] starts = work.starts.toArray();
    int[] ends = work.ends.toArray();
    if (trimOffsets) {
      trim(text, starts, ends);
    }
    return new Encoding(work.ids.toArray(), starts, ends);
  }

  private static void trim(String text, int[] starts, int[] ends) {
    for (int i = 0; i < starts.length; i++) {
      while (starts[i] < ends[i] && Spaces.isSpace(text.charAt(starts[i]))) {
        starts[i]++;
      }
      while (ends[i] > starts[i] && Spaces.isSpace(text.charAt(ends[i] - 1))) {
        ends[i]--;
      }
    }
  }

  private EncodingWorkspace run(String text, boolean addSpecialTokens, boolean offsets) {
    EncodingWorkspace work = workspaces.get();
    work.begin(text, offsets);
    if (addSpecialTokens) {
      for (int id : prefixIds) {
        work.add(id, 0, 0);
      }
    }
    encodeText(work);
    if (addSpecialTokens) {
      for (int id : suffixIds) {
        work.add(id, text.length(), text.length());
      }
    }
    return work;
  }

  private void encodeText(EncodingWorkspace work) {
    TextBuffer text = work.text;
    int done = 0;
    if (!rawTokens.isEmpty()) {
      AddedTokenMatcher.Match match = work.rawMatch;
      match.clear(0);
      while (rawTokens.next(text.chars(), 0, text.length(), match)) {
        encodePiece(work, done, match.start());
        work.add(match.token().id(), match.start(), match.end());
        done = match.end();
      }
    }
    encodePiece(work, done, text.length());
  }

  /** Encodes a part of the raw text without raw added tokens. */
  private void encodePiece(EncodingWorkspace work, int start, int end) {
    if (start >= end) {
      return;
    }
    boolean atTextStart = start == 0;
    Piece piece = work.piece;
    piece.set(work.text, start, end);
    normalizers.apply(piece, work.normalized, work.offsets);
    int done = piece.start;
    if (!normalizedTokens.isEmpty()) {
      AddedTokenMatcher.Match match = work.normalizedMatch;
      match.clear(piece.start);
      TextBuffer buffer = piece.buffer;
      while (normalizedTokens.next(buffer.chars(), piece.start, piece.end, match)) {
        encodeSection(work, done, match.start(), atTextStart && done == piece.start);
        if (work.offsets && match.start() < match.end()) {
          work.add(
              match.token().id(),
              buffer.originStart(match.start()),
              buffer.originEnd(match.end() - 1));
        } else {
          work.add(match.token().id(), 0, 0);
        }
        done = match.end();
      }
    }
    encodeSection(work, done, piece.end, atTextStart && done == piece.start);
  }

  /** Encodes a part of the current piece without any added tokens. */
  private void encodeSection(EncodingWorkspace work, int start, int end, boolean atTextStart) {
    if (start >= end) {
      return;
    }
    Piece section = work.section;
    section.set(work.piece.buffer, start, end);
    if (!spacePrefix.isNone()) {
      spacePrefix.apply(section, work.prefixed, atTextStart, work.offsets);
    }
    int at = section.start;
    while (at < section.end) {
      at = splitters.split(section.buffer.chars(), at, section.start, section.end, work.words);
      encodeWords(work, section.buffer);
    }
  }

  private void encodeWords(EncodingWorkspace work, TextBuffer buffer) {
    Words words = work.words[0];
    char[] chars = buffer.chars();
    int count = words.size();
    if (!work.offsets) {
      for (int i = 0; i < count; i++) {
        work.encoder.encode(chars, words.start(i), words.end(i), work.ids);
      }
      return;
    }
    IntList starts = work.starts;
    IntList ends = work.ends;
    for (int i = 0; i < count; i++) {
      int first = starts.size();
      work.encoder.encode(chars, words.start(i), words.end(i), work.ids, starts, ends);
      for (int j = first; j < starts.size(); j++) {
        int last = ends.get(j) - 1;
        starts.set(j, buffer.originStart(starts.get(j)));
        ends.set(j, buffer.originEnd(last));
      }
    }
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    return tokenText.decode(ids, skipSpecialTokens);
  }

  @Override
  public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
    return new ByteStreamingDecoder(tokenText, skipSpecialTokens);
  }

  @Override
  public int vocabularySize() {
    return exported.tokens().size();
  }

  @Override
  public String token(int id) {
    return exported.tokens().get(id);
  }

  @Override
  public OptionalInt id(String token) {
    Integer id = idByToken.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public boolean isSpecial(int id) {
    return special[id];
  }

  @Override
  public OptionalInt bosId() {
    return exported.bosId();
  }

  @Override
  public OptionalInt eosId() {
    return exported.eosId();
  }

  @Override
  public OptionalInt padId() {
    return exported.paddingId();
  }

  @Override
  public TokenizerVocabulary vocabulary() {
    return exported;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public String toString() {
    return "TextTokenizer["
        + vocabularySize()
        + " tokens, prefix "
        + Arrays.toString(prefixIds)
        + "]";
  }
}
