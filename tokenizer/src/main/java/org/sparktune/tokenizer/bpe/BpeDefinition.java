package org.sparktune.tokenizer.bpe;

/**
 * What a BPE model is made of.
 *
 * @param tokens the vocabulary by id, as the file spells it; null where an id has no token
 * @param symbols what merges start from
 * @param merges which pairs merge into what
 * @param byteFallback whether an unknown code point becomes {@code <0xNN>} tokens
 * @param unknownId what an unknown symbol becomes, -1 to leave it out
 * @param fuseUnknown whether unknown symbols side by side become one
 * @param wholeWordsFirst whether a word that is a token is that token, whatever the merges say
 *     ({@code ignore_merges})
 */
public record BpeDefinition(
    String[] tokens,
    Symbols symbols,
    MergeTable merges,
    boolean byteFallback,
    int unknownId,
    boolean fuseUnknown,
    boolean wholeWordsFirst) {}
