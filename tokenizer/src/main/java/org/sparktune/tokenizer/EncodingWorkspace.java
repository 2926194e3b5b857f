package org.sparktune.tokenizer;

import org.sparktune.tokenizer.bpe.BpeEncoder;
import org.sparktune.tokenizer.bpe.IntList;
import org.sparktune.tokenizer.split.Words;
import org.sparktune.tokenizer.text.AddedTokenMatcher;
import org.sparktune.tokenizer.text.Piece;
import org.sparktune.tokenizer.text.TextBuffer;

/** What one thread needs to encode: buffers that are used again and the encoder with its cache. */
final class EncodingWorkspace {
  final BpeEncoder encoder;
  final TextBuffer text = new TextBuffer();
  final TextBuffer[] normalized = {new TextBuffer(), new TextBuffer()};
  final TextBuffer prefixed = new TextBuffer();
  final AddedTokenMatcher.Match rawMatch = new AddedTokenMatcher.Match();
  final AddedTokenMatcher.Match normalizedMatch = new AddedTokenMatcher.Match();
  final Piece piece = new Piece();
  final Piece section = new Piece();
  final Words[] words = {new Words(), new Words()};
  final IntList ids = new IntList();
  final IntList starts = new IntList();
  final IntList ends = new IntList();
  boolean offsets;

  EncodingWorkspace(BpeEncoder encoder) {
    this.encoder = encoder;
  }

  void begin(String newText, boolean withOffsets) {
    offsets = withOffsets;
    text.load(newText, withOffsets);
    ids.clear();
    starts.clear();
    ends.clear();
  }

  void add(int id, int start, int end) {
    ids.add(id);
    if (offsets) {
      starts.add(start);
      ends.add(end);
    }
  }
}
