/**
 * DL4J networks trained in step on Spark: {@link org.sparktune.jobs.dl4j.AllReduceTrainingMaster}
 * is a dl4j-spark {@code TrainingMaster}, so {@code SparkDl4jMultiLayer} and {@code
 * SparkComputationGraph} use it in place of parameter averaging.
 */
package org.sparktune.jobs.dl4j;
