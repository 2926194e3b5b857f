/**
 * The arithmetic of PPO (Schulman et al. 2017) on language models (Stiennon et al. 2020, Ouyang et
 * al. 2022) and of its relatives without a critic: rewards per token, advantages, clipped losses,
 * control of the divergence. Everything is over response tokens only, responses laid end to end.
 */
package org.sparktune.trainer.objective.ppo;
