/**
 * Child processes for tests: a Spark home made of Maven's jars, a standalone cluster, the command
 * line.
 */
package org.sparktune.jobs.cluster;
