/** Ids back to text, all at once or one id at a time. */
package org.sparktune.tokenizer.decode;
