/**
 * Off-heap tensors: element types, 64-byte aligned arenas, memory-mapped files. Everything that
 * computes gets its memory here, so that a step allocates nothing on the heap that grows with the
 * model.
 */
package org.sparktune.trainer.memory;
