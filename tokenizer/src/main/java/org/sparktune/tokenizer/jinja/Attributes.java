package org.sparktune.tokenizer.jinja;

/** An object of the interpreter itself that has attributes ({@code loop}, a namespace). */
interface Attributes {

  /** The attribute's value, or Java's null if there is none of this name. */
  Object attribute(String name);
}
