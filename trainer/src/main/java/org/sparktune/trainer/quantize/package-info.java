/**
 * Matrices that stay in few bits while they are used: NF4 made from full weights when a model is
 * loaded, and the blocks of GGUF files as they are stored. An engine decodes them, tile by tile or
 * matrix by matrix, into what its products read.
 */
package org.sparktune.trainer.quantize;
