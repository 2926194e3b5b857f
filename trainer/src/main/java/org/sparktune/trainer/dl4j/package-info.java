/**
 * DL4J networks as {@link org.sparktune.trainer.optim.Trainable}s, and their synchronous training
 * by many ranks: {@link org.sparktune.trainer.dl4j.NetworkTraining} is the loop, {@link
 * org.sparktune.trainer.dl4j.ShardedUpdater} applies the updaters that the network itself is
 * configured with, each rank for the parameters that it owns.
 */
package org.sparktune.trainer.dl4j;
