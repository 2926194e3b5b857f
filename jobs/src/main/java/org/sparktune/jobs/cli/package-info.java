/**
 * The command line: one class a command, and what they share. Standard output carries only the
 * result; everything else goes to standard error. A failure is one sentence and an exit status.
 */
package org.sparktune.jobs.cli;
