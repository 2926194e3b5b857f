package org.sparktune.pipeline.source;

import org.sparktune.pipeline.sample.RejectException;

/**
 * A record as it was read.
 *
 * @param line its line (or, in Parquet, its row) within the piece, from 0
 * @param value JSON values, if it could be read
 * @param problem why it could not be read, or null
 * @param excerpt text for the reject file if there is a problem, else null
 */
public record RawRecord(long line, Object value, RejectException problem, String excerpt) {}
