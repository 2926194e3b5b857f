package org.sparktune.tokenizer.bpe;

/** Encodes words for one thread, with the thread's own scratch memory and cache. */
public final class BpeEncoder {
  /** From here on scripts are written without spaces: words are long and seldom come twice. */
  private static final char FIRST_WITHOUT_SPACES = '\u2E80';

  private final BpeModel model;
  private final Symbols symbols;
  private final Merger merger;
  private final Joints joints;
  private final SegmentCache cache = new SegmentCache();

  /** Null until spans are asked for. */
  private SegmentCache spanCache;

  /** By turns an id, and its span in its piece in two halves. */
  private final IntList withSpans = new IntList();

  /** Per symbol of the word in work, its span in the text; filled only for offsets. */
  private final IntList symbolStarts = new IntList();

  private final IntList symbolEnds = new IntList();

  BpeEncoder(BpeModel model) {
    this.model = model;
    this.symbols = model.definition().symbols();
    this.merger = new Merger(model.definition().merges());
    this.joints = model.joints();
  }

  /**
   * Appends a word's ids.
   *
   * @param text holds the word, without unpaired surrogates
   * @param start the word's first UTF-16 unit
   * @param end one past its last
   * @param out takes the ids
   */
  public void encode(char[] text, int start, int end, IntList out) {
    encodeWord(text, start, end, out, null, null);
  }

  /**
   * Appends a word's ids and where each came from.
   *
   * @param text holds the word
   * @param start the word's first UTF-16 unit
   * @param end one past its last
   * @param out takes the ids
   * @param starts takes per id the index in {@code text} of the first code point it has a part of
   * @param ends takes per id one past the last
   */
  public void encode(char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    if (spanCache == null) {
      spanCache = new SegmentCache();
    }
    encodeWord(text, start, end, out, starts, ends);
  }

  /** Spans are not asked for where {@code starts} and {@code ends} are null. */
  private void encodeWord(
      char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    if (end - start <= SegmentCache.LONGEST && text[end - 1] < FIRST_WITHOUT_SPACES) {
      int hash = SegmentCache.hash(text, start, end);
      if (!find(text, start, end, hash, out, starts, ends)) {
        int first = out.size();
        if (!encodeWhole(text, start, end, out, starts, ends)) {
          merge(text, start, end, out, starts, ends);
        }
        put(text, start, end, hash, out, first, starts, ends);
      }
    } else if (!encodeWhole(text, start, end, out, starts, ends)) {
      encodeSegments(text, start, end, out, starts, ends);
    }
  }

  /** Encodes without looking the whole word up and without the cache. */
  void mergeOnly(char[] text, int start, int end, IntList out) {
    merge(text, start, end, out, null, null);
  }

  private boolean encodeWhole(
      char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    if (end - start > model.longestWholeWord()) {
      return false;
    }
    int id = model.wholeWordId(text, start, end);
    if (id < 0) {
      return false;
    }
    out.add(id);
    if (starts != null) {
      starts.add(start);
      ends.add(end);
    }
    return true;
  }

  /** Cuts where no merge can reach across and encodes the parts. */
  private void encodeSegments(
      char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    int segmentStart = start;
    int at = start;
    int left = codePoint(text, at, end);
    at += left < 0x10000 ? 1 : 2;
    while (at < end) {
      int right = codePoint(text, at, end);
      if (!joints.mayJoin(left, right) && model.mayCut(left, right)) {
        encodeSegment(text, segmentStart, at, out, starts, ends);
        segmentStart = at;
      }
      left = right;
      at += right < 0x10000 ? 1 : 2;
    }
    encodeSegment(text, segmentStart, end, out, starts, ends);
  }

  private void encodeSegment(
      char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    if (end - start > SegmentCache.LONGEST) {
      merge(text, start, end, out, starts, ends);
      return;
    }
    int hash = SegmentCache.hash(text, start, end);
    if (!find(text, start, end, hash, out, starts, ends)) {
      int first = out.size();
      merge(text, start, end, out, starts, ends);
      put(text, start, end, hash, out, first, starts, ends);
    }
  }

  /** Looks a piece up; with spans, the cache has two numbers an id. */
  private boolean find(
      char[] text, int start, int end, int hash, IntList out, IntList starts, IntList ends) {
    if (starts == null) {
      return cache.find(text, start, end, hash, out);
    }
    withSpans.clear();
    if (!spanCache.find(text, start, end, hash, withSpans)) {
      return false;
    }
    for (int i = 0; i < withSpans.size(); i += 2) {
      int span = withSpans.get(i + 1);
      out.add(withSpans.get(i));
      starts.add(start + (span >>> Short.SIZE));
      ends.add(start + (span & 0xFFFF));
    }
    return true;
  }

  /** Keeps what was found for a piece: the ids from {@code first} on, and as many last spans. */
  private void put(
      char[] text,
      int start,
      int end,
      int hash,
      IntList out,
      int first,
      IntList starts,
      IntList ends) {
    if (starts == null) {
      cache.put(text, start, end, hash, out, first);
      return;
    }
    withSpans.clear();
    int toSpan = starts.size() - out.size();
    for (int i = first; i < out.size(); i++) {
      withSpans.add(out.get(i));
      withSpans.add(
          (starts.get(i + toSpan) - start) << Short.SIZE | (ends.get(i + toSpan) - start));
    }
    spanCache.put(text, start, end, hash, withSpans, 0);
  }

  private void merge(char[] text, int start, int end, IntList out, IntList starts, IntList ends) {
    boolean spans = starts != null;
    symbolStarts.clear();
    symbolEnds.clear();
    load(text, start, end, spans);
    int symbolCount = merger.count;
    merger.merge();
    out.addAll(merger.ids, 0, merger.count);
    for (int i = 0; spans && i < merger.count; i++) {
      int lastSymbol = (i + 1 < merger.count ? merger.origins[i + 1] : symbolCount) - 1;
      starts.add(symbolStarts.get(merger.origins[i]));
      ends.add(symbolEnds.get(lastSymbol));
    }
  }

  private void load(char[] text, int start, int end, boolean spans) {
    merger.clear();
    if (symbols == Symbols.BYTES) {
      loadBytes(text, start, end, spans);
    } else {
      loadCodePoints(text, start, end, spans);
    }
  }

  private void loadBytes(char[] text, int start, int end, boolean spans) {
    int at = start;
    while (at < end) {
      int codePoint = codePoint(text, at, end);
      int next = at + (codePoint < 0x10000 ? 1 : 2);
      if (codePoint < 0x80) {
        addByte(codePoint, at, next, spans);
      } else {
        int packed = Utf8.packed(codePoint);
        for (int shift = 8 * (Utf8.length(codePoint) - 1); shift >= 0; shift -= 8) {
          addByte(packed >>> shift & 0xFF, at, next, spans);
        }
      }
      at = next;
    }
  }

  private void addByte(int unsignedByte, int start, int end, boolean spans) {
    int id = model.byteId(unsignedByte);
    if (id >= 0) {
      add(id, start, end, spans);
    } else {
      addUnknown(start, end, spans);
    }
  }

  private void loadCodePoints(char[] text, int start, int end, boolean spans) {
    boolean fallback = model.definition().byteFallback();
    int at = start;
    while (at < end) {
      int codePoint = codePoint(text, at, end);
      int next = at + (codePoint < 0x10000 ? 1 : 2);
      int id = model.codePointId(codePoint);
      if (id >= 0) {
        add(id, at, next, spans);
      } else if (!fallback || !addFallback(codePoint, at, next, spans)) {
        addUnknown(at, next, spans);
      }
      at = next;
    }
  }

  private boolean addFallback(int codePoint, int start, int end, boolean spans) {
    int packed = Utf8.packed(codePoint);
    int last = 8 * (Utf8.length(codePoint) - 1);
    if (!model.everyByteKnown()) {
      for (int shift = last; shift >= 0; shift -= 8) {
        if (model.byteId(packed >>> shift & 0xFF) < 0) {
          return false;
        }
      }
    }
    for (int shift = last; shift >= 0; shift -= 8) {
      add(model.byteId(packed >>> shift & 0xFF), start, end, spans);
    }
    return true;
  }

  private void addUnknown(int start, int end, boolean spans) {
    int unknown = model.definition().unknownId();
    if (unknown < 0) {
      return;
    }
    int last = merger.count - 1;
    if (model.definition().fuseUnknown() && last >= 0 && merger.ids[last] == unknown) {
      if (spans) {
        symbolEnds.setLast(end);
      }
      return;
    }
    add(unknown, start, end, spans);
  }

  private void add(int id, int start, int end, boolean spans) {
    merger.add(id);
    if (spans) {
      symbolStarts.add(start);
      symbolEnds.add(end);
    }
  }

  private static int codePoint(char[] text, int at, int end) {
    char high = text[at];
    return Character.isHighSurrogate(high) && at + 1 < end
        ? Character.toCodePoint(high, text[at + 1])
        : high;
  }
}
