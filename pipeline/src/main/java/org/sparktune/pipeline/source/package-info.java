/**
 * Raw files to records: finds files, recognises their format and schema by content, cuts them into
 * pieces of a fixed size, and streams the records of a piece with their place. Any Hadoop file
 * system.
 */
package org.sparktune.pipeline.source;
