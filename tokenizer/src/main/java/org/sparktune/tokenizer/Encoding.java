package org.sparktune.tokenizer;

/**
 * Ids with their places in the text.
 *
 * @param ids the ids
 * @param starts per id, the index of its first UTF-16 unit in the text; a token added by the
 *     post-processor has an empty span
 * @param ends per id, one past the index of its last UTF-16 unit
 */
public record Encoding(int[] ids, int[] starts, int[] ends) {}
