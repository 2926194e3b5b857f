/** What this machine offers to a run: the JVM, the processor, memory, native libraries, Spark. */
package org.sparktune.jobs.doctor;
