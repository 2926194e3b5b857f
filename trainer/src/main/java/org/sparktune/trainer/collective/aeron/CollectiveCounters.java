package org.sparktune.trainer.collective.aeron;

/**
 * What a rank has sent, received and refused.
 *
 * @param bytesSent payload bytes of exchanges
 * @param bytesReceived payload bytes of exchanges
 * @param backPressured how often a frame had to wait for room in its stream
 * @param stale frames of another attempt or of an operation that was over
 * @param duplicates chunks that had been taken already
 * @param malformed messages that are no frames
 * @param unauthenticated frames of streams that have not proven themselves
 */
public record CollectiveCounters(
    long bytesSent,
    long bytesReceived,
    long backPressured,
    long stale,
    long duplicates,
    long malformed,
    long unauthenticated) {}
