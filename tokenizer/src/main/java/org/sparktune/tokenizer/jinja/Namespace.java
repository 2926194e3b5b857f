package org.sparktune.tokenizer.jinja;

import java.util.Map;

/**
 * What {@code namespace()} makes: attributes that {@code set} may change from inner scopes.
 *
 * @param attributes the attributes, changeable
 */
record Namespace(Map<String, Object> attributes) implements Attributes {

  @Override
  public Object attribute(String name) {
    return attributes.get(name);
  }
}
