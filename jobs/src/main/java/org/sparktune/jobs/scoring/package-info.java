/**
 * Scores of single records by a reward model or a student: {@link
 * org.sparktune.jobs.scoring.ScoringModel} is either, {@link
 * org.sparktune.jobs.scoring.RecordEncoder} reads records as training does, and {@link
 * org.sparktune.jobs.scoring.ScoreFunction} makes both a function of Spark SQL.
 */
package org.sparktune.jobs.scoring;
