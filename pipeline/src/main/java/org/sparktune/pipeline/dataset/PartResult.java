package org.sparktune.pipeline.dataset;

import java.io.Serializable;

/**
 * What a part holds.
 *
 * @param split {@code train} or {@code validation}
 * @param path relative to the dataset folder
 * @param documents documents in it
 * @param rows rows in it
 * @param tokens tokens in it
 * @param lossTokens positions that have a target
 * @param bytes its size
 */
public record PartResult(
    String split, String path, long documents, long rows, long tokens, long lossTokens, long bytes)
    implements Serializable {}
