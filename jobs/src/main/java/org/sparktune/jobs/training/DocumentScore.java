package org.sparktune.jobs.training;

/**
 * What a reward model or a student says of a document.
 *
 * @param value the score
 * @param uncertainty the standard deviation of an ensemble's scores; null where one head scores
 */
public record DocumentScore(double value, Double uncertainty) {}
