package org.sparktune.tokenizer.text;

/**
 * A token that is found in the text before anything else happens to it.
 *
 * @param id its id
 * @param content its text
 * @param special whether it controls the model rather than being text
 * @param normalized whether it is looked for in the normalized text
 * @param singleWord whether it counts only where no word character adjoins it
 * @param stripLeft whether it takes the white space before it
 * @param stripRight whether it takes the white space after it
 */
public record AddedToken(
    int id,
    String content,
    boolean special,
    boolean normalized,
    boolean singleWord,
    boolean stripLeft,
    boolean stripRight) {}
