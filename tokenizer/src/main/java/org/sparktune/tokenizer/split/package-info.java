/**
 * Cuts text into the words that BPE works on: hand-written scanners for the expressions that models
 * really use, Java's regular expressions for the rest.
 */
package org.sparktune.tokenizer.split;
