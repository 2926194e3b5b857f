package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * How a {@code distill} task trains its student.
 *
 * @param weight λ of KL(teacher ‖ student) beside the cross-entropy
 * @param temperature that softens both distributions in KL
 * @param classes that a score is told apart by
 * @param range of the classes, in standard deviations of the teacher's scores
 * @param student the student's shape
 * @param epochs passes over the training split
 * @param learningRate the first, of Adam; a line down to 0
 * @param batchSize documents of a batch
 * @param batchesPerStep batches whose gradients make a step, of all executors together
 * @param seed of initialisation and order
 */
public record DistillOptions(
    double weight,
    double temperature,
    int classes,
    double range,
    Student student,
    int epochs,
    double learningRate,
    int batchSize,
    int batchesPerStep,
    long seed)
    implements Serializable {

  /**
   * The student's shape.
   *
   * @param hiddenSize of its layers
   * @param maxTokens of a document that it reads: the last ones
   */
  public record Student(int hiddenSize, int maxTokens) implements Serializable {}
}
