/**
 * Checkpoints on any Hadoop file system: written by all ranks together, each its own ranges, and
 * read again by any number of ranks. {@link org.sparktune.trainer.checkpoint.CheckpointStore} is
 * what a run uses; {@code docs/formats.md} describes the folder.
 */
package org.sparktune.trainer.checkpoint;
