/** Benchmarks, run by hand. */
package org.sparktune.tokenizer.benchmark;
