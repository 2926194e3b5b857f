/** Models and adapters written for other programs, from the command line and from merge tasks. */
package org.sparktune.jobs.export;
