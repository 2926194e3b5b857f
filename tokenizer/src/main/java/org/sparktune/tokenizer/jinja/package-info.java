/**
 * A small, safe interpreter of the Jinja2 language as chat templates use it: the same text as
 * Python's Jinja2 in its immutable sandbox with {@code trim_blocks} and {@code lstrip_blocks} set.
 * A template is parsed once and rendered many times; it can reach nothing but the values it is
 * given. There is no reflection, no file access, no inclusion of other templates, and loops, output
 * and nesting are bounded.
 */
package org.sparktune.tokenizer.jinja;
