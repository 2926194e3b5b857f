/** Reads tokenizer definitions from the files that models come with. */
package org.sparktune.tokenizer.format;
