/**
 * Records to tokenized documents: checks a record against its schema, applies the chat template,
 * tokenizes, and says for every record that is refused why. Needs no Spark session.
 */
package org.sparktune.pipeline.sample;
