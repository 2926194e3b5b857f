/**
 * Preference pairs from responses that have scores, ranks or comparisons. Of a prompt, however many
 * responses it has, a bounded summary is kept that does not depend on the order they come in; it
 * knows where the texts are, but does not hold them.
 */
package org.sparktune.pipeline.pair;
