package org.sparktune.tokenizer.jinja;

/**
 * A name or attribute that does not exist. It is false, empty and renders as nothing; anything else
 * done with it fails with its message.
 *
 * @param message what does not exist
 */
record Undefined(String message) {

  TemplateException failure() {
    return new TemplateException(message);
  }
}
