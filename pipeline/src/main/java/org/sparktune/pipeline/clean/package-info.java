/**
 * Cleaning of records one at a time: text is repaired, records of low quality are refused, personal
 * data is masked. {@link org.sparktune.pipeline.clean.Cleaning} lists the stages; each is a small
 * class that knows nothing of the others, of files or of Spark.
 */
package org.sparktune.pipeline.clean;
