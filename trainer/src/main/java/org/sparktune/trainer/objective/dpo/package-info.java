/**
 * Direct preference losses: Rafailov et al. 2023 and its relatives, over the summed
 * log-probabilities of a chosen and a rejected completion, or of one judged completion (KTO).
 */
package org.sparktune.trainer.objective.dpo;
