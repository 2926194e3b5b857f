/**
 * The CPU engine's fused loops in the Vector API, over raw addresses. The only package that may use
 * {@code jdk.incubator.vector} (it is compiled by itself, see the pom); its public methods take
 * addresses and plain types only.
 */
package org.sparktune.trainer.engine.cpu.vector;
