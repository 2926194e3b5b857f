/** Trains byte-level BPE vocabularies and writes them as Hugging Face's {@code tokenizer.json}. */
package org.sparktune.tokenizer.train;
