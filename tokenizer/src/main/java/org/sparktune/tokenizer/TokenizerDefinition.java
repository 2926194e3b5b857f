package org.sparktune.tokenizer;

import java.util.List;
import org.sparktune.tokenizer.bpe.BpeDefinition;
import org.sparktune.tokenizer.decode.DecoderSettings;
import org.sparktune.tokenizer.split.SplitterChain;
import org.sparktune.tokenizer.text.AddedToken;
import org.sparktune.tokenizer.text.NormalizerChain;
import org.sparktune.tokenizer.text.SpacePrefix;

/**
 * Everything a tokenizer is made of, whatever file it was read from. The vocabulary inside {@code
 * exported} holds all tokens, added ones too.
 *
 * @param model the BPE model
 * @param normalizers what happens to text first
 * @param spacePrefix what happens to spaces next
 * @param splitters how words are cut out
 * @param addedTokens the tokens found in the text before anything else
 * @param prefixIds what the post-processor puts in front
 * @param suffixIds what the post-processor puts behind
 * @param trimOffsets whether spans leave out white space at the ends of a token
 * @param decoder how ids become text
 * @param exported the same tokenizer as GGUF spells it
 */
public record TokenizerDefinition(
    BpeDefinition model,
    NormalizerChain normalizers,
    SpacePrefix spacePrefix,
    SplitterChain splitters,
    List<AddedToken> addedTokens,
    int[] prefixIds,
    int[] suffixIds,
    boolean trimOffsets,
    DecoderSettings decoder,
    TokenizerVocabulary exported) {}
