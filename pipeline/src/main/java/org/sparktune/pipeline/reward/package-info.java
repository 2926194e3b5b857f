/**
 * Scores made comparable: what is counted of them in one pass and merged, what is kept of that with
 * a dataset, and how a score is normalized by it.
 */
package org.sparktune.pipeline.reward;
