/**
 * The preparation of a dataset as one Spark job. {@code PreparePipeline} is the entry; the stages
 * it strings together live in {@code source}, {@code sample} and {@code dataset}.
 */
package org.sparktune.pipeline.prepare;
