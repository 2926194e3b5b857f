/** Spark sessions, and training hosted in a Spark task. */
package org.sparktune.jobs.spark;
