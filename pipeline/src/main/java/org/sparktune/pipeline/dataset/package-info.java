/**
 * Tokenized documents to a dataset folder: packing, order, Parquet parts and the manifest, written
 * beside the target and renamed when complete.
 */
package org.sparktune.pipeline.dataset;
