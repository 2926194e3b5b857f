/**
 * What a user starts: the command line, and the tasks that join the pipeline and the trainer on
 * Spark.
 */
package org.sparktune.jobs;
