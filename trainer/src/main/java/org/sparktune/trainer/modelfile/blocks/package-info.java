/**
 * GGML's block types, decoded and encoded bit for bit as GGML's reference implementation does. To
 * add a type: a constant in {@code GgmlType}, a decoder here, a pair of reference tensors in the
 * test.
 */
package org.sparktune.trainer.modelfile.blocks;
