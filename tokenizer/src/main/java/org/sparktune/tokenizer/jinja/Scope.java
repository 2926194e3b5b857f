package org.sparktune.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/** The variables visible at a point of a template; inner scopes see outer ones and hide them. */
final class Scope {
  private final Scope parent;
  private final Budget budget;
  private final Map<String, Object> variables;

  private Scope(Scope parent, Budget budget, Map<String, Object> variables) {
    this.parent = parent;
    this.budget = budget;
    this.variables = variables;
  }

  /** The outermost scope of one rendering, which holds what the caller gave. */
  static Scope root(Map<String, Object> variables) {
    return new Scope(null, new Budget(), new HashMap<>(variables));
  }

  Scope inner() {
    return new Scope(this, budget, new HashMap<>(4));
  }

  Budget budget() {
    return budget;
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.parent) {
      Object value = scope.variables.get(name);
      if (value != null || scope.variables.containsKey(name)) {
        return value;
      }
    }
    Object global = Globals.get(name);
    return global != null ? global : new Undefined("'" + name + "' is undefined");
  }
}
