/**
 * What a run would do, before it does anything: files, tokens, steps, memory, time, and a sample as
 * the model will see it.
 */
package org.sparktune.jobs.plan;
