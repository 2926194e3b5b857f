package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.memory.DType;

/**
 * The types of what a pass leaves and passes on, and how it lies.
 *
 * @param activation of activations, the residual stream, and the gradients of both
 * @param operand of what nothing but products read
 * @param engine which wants room behind some rows
 */
record ElementTypes(DType activation, DType operand, EngineFootprint engine) {
  static ElementTypes of(EngineFootprint engine) {
    return new ElementTypes(engine.activationType(), engine.operandType(), engine);
  }
}
