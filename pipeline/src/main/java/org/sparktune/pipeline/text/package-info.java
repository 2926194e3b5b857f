/**
 * What text is made of, for stages that judge or compare it: words, hashes of words and runs of
 * them, and small tables of such hashes. Knows nothing of records or Spark.
 */
package org.sparktune.pipeline.text;
