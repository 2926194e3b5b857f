/**
 * Text before it is cut into words: buffers that remember where text came from, normalizers, and
 * the added tokens that are found before anything else.
 */
package org.sparktune.tokenizer.text;
