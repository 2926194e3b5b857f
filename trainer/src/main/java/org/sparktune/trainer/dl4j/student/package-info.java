/**
 * A small reward model as a DL4J graph, which a large one teaches: {@link
 * org.sparktune.trainer.dl4j.student.StudentGraph} is its shape, {@link
 * org.sparktune.trainer.dl4j.student.DistillationLossFunction} what it is trained with, {@link
 * org.sparktune.trainer.dl4j.student.ScoreClasses} how scores become classes and classes scores,
 * and {@link org.sparktune.trainer.dl4j.student.Student} the trained one in its folder.
 */
package org.sparktune.trainer.dl4j.student;
