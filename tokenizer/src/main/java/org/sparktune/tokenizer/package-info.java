/**
 * Text to token ids and back, exactly as the model's own tokenizer does it: Hugging Face {@code
 * tokenizer.json}, SentencePiece {@code tokenizer.model} and the vocabularies inside GGUF files.
 * Chat templates live in {@code chat}, the GGUF header and metadata reader in {@code gguf}. Knows
 * neither Spark nor ND4J.
 */
package org.sparktune.tokenizer;
