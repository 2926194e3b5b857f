/**
 * Reads prepared datasets: the manifest, Parquet row groups one at a time, and a cursor that can be
 * saved and restored exactly. Any Hadoop file system; bounded memory.
 */
package org.sparktune.trainer.dataset;
