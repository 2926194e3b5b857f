/**
 * GGUF containers: what is written before the weights. It lives beside the tokenizers because a
 * vocabulary is metadata of a GGUF file; the weights themselves are {@code trainer.modelfile}'s.
 */
package org.sparktune.tokenizer.gguf;
