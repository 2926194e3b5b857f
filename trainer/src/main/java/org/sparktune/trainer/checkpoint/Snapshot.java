package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a checkpoint holds of a run besides its vectors.
 *
 * @param step optimizer steps made
 * @param validationLoss of the parameters after this very step; null when they were not evaluated
 * @param state whatever else the run needs to go on, as the run writes and reads it
 */
public record Snapshot(long step, Double validationLoss, JsonNode state) {}
