/**
 * Runs the tasks of a specification: the output folder with its lock, marks of what is done, inputs
 * of tasks found in outputs of others, and the order of it all.
 */
package org.sparktune.jobs.workflow;
