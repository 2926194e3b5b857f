/**
 * What a dataset looks like, for people: bounded summaries of the documents that are written
 * (lengths, scores, a few samples), merged from all parts, and the one page of HTML that shows them
 * beside what the manifest says.
 */
package org.sparktune.pipeline.report;
