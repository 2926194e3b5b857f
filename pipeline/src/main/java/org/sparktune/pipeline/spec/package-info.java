/**
 * TaskSpec: the YAML file that says what to run. {@link org.sparktune.pipeline.spec.SpecLoader}
 * reads a file into typed records and reports every problem at once, each with its line, its column
 * and the nearest valid word. Knows YAML and the file system, nothing of Spark or models.
 */
package org.sparktune.pipeline.spec;
