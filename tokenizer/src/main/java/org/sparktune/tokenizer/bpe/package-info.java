/**
 * Byte-pair encoding: merge tables, the merge loop, a bounded cache of segments, and the places
 * where text may be cut because no token reaches across.
 */
package org.sparktune.tokenizer.bpe;
