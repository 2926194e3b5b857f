package org.sparktune.tokenizer.jinja;

/** Something that can be called: a macro, a global function, a method of a value. */
@FunctionalInterface
interface Callable {
  Object call(Arguments arguments);
}
