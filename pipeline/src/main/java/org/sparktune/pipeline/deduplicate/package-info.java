/**
 * Duplicates and contamination. {@link org.sparktune.pipeline.deduplicate.Deduplication} works on
 * fingerprints of records as Spark datasets and says which records to leave out; texts never
 * shuffle. {@link org.sparktune.pipeline.deduplicate.Decontamination} refuses records one at a time
 * that share a run of words with an evaluation set.
 */
package org.sparktune.pipeline.deduplicate;
