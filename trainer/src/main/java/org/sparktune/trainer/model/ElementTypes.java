package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.memory.DType;

/**
 * The types of what a pass leaves and passes on.
 *
 * @param activation of activations, the residual stream, and the gradients of both
 * @param operand of what nothing but products read
 */
record ElementTypes(DType activation, DType operand) {
  static ElementTypes of(EngineFootprint engine) {
    return new ElementTypes(engine.activationType(), engine.operandType());
  }
}
