/** What a student learns from a teacher's distribution. */
package org.sparktune.trainer.objective.distill;
