package org.sparktune.tokenizer.chat;

/**
 * A tokenized conversation.
 *
 * @param ids {@code (N)} the ids
 * @param lossMask {@code (N)} 1 where the token carries loss, else 0
 */
public record ChatEncoding(int[] ids, byte[] lossMask) {}
