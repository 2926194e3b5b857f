/**
 * The distill task: {@link org.sparktune.jobs.distill.TeacherPass} lets a reward model score a
 * dataset on executors, {@link org.sparktune.jobs.distill.StudentTraining} trains a small network
 * on what it said, and {@link org.sparktune.jobs.distill.DistillJob} does the one after the other.
 */
package org.sparktune.jobs.distill;
