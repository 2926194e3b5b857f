/**
 * Faults that are caused for real while a training runs on several executors of a cluster of
 * separate processes: whatever happens, the final parameters equal those of the undisturbed run.
 * They take minutes and run with {@code mvn -Pfaults verify}; {@code docs/faults/README.md} has the
 * results.
 */
package org.sparktune.jobs.faults;
