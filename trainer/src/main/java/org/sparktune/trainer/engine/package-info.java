/**
 * The operators a decoder needs, forward and backward, and the engines that run them: {@code cpu}
 * here, {@code cuda} beside it. Models call {@link org.sparktune.trainer.engine.Engine} and know no
 * device.
 */
package org.sparktune.trainer.engine;
