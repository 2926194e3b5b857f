/** What each type of task does, by means of the pipeline, the trainer and Spark. */
package org.sparktune.jobs.task;
