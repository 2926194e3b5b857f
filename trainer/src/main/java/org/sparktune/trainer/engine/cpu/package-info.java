/**
 * The engine that runs on the processor: GEMMs through oneDNN and ND4J, fused loops in {@code
 * vector}.
 */
package org.sparktune.trainer.engine.cpu;
