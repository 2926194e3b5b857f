/**
 * Joins a specification's words with the trainer's: opens models, datasets and engines, runs the
 * loop, and writes what comes out. Runs inside a Spark task, so nothing here knows Spark.
 */
package org.sparktune.jobs.training;
