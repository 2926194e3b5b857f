/**
 * Reference log-probabilities, computed once: {@link org.sparktune.jobs.reference.ReferenceJob}
 * lets Spark tasks score a dataset's parts with the base model and writes the same dataset with one
 * more column, which dpo tasks read instead of asking the model without its adapter at every step.
 */
package org.sparktune.jobs.reference;
