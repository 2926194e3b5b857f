/**
 * Communication between the ranks of a run: {@link org.sparktune.trainer.collective.Collective}
 * says what it can do and in which order it adds, so that sums have the same bits at any number of
 * ranks. {@code LocalCollective} serves a run of one rank; the {@code aeron} package serves many.
 */
package org.sparktune.trainer.collective;
