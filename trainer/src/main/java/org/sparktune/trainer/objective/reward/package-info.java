/** Losses of reward models: pairs of scores, and scores beside given rewards. */
package org.sparktune.trainer.objective.reward;
