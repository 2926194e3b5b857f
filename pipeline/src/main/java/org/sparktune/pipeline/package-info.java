/**
 * Spark dataflow: sources → clean → template → tokenize → pack → dataset, and the TaskSpec that
 * says what to run. Knows the tokenizer, not the trainer.
 */
package org.sparktune.pipeline;
