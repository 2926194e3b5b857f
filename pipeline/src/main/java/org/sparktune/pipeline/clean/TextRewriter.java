package org.sparktune.pipeline.clean;

/** Makes a better text of a text. */
interface TextRewriter {

  /** The name of its counter: how many texts it changed. */
  String name();

  /** The better text; the same object when there is nothing to do. */
  String rewrite(String text);
}
