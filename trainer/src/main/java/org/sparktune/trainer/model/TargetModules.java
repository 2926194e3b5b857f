package org.sparktune.trainer.model;

import java.util.List;

/** Which linear modules get LoRA factors. The head never does. */
public sealed interface TargetModules {

  /** Whether a module is meant, by its full name such as {@code model.layers.0.mlp.up_proj}. */
  boolean includes(String module);

  /** Every linear module but the head: {@code all-linear}. */
  record AllLinear() implements TargetModules {
    @Override
    public boolean includes(String module) {
      return true;
    }
  }

  /**
   * Modules by name or end of name.
   *
   * @param names such as {@code q_proj}
   */
  record Named(List<String> names) implements TargetModules {

    /** Copies the list. */
    public Named {
      names = List.copyOf(names);
    }

    @Override
    public boolean includes(String module) {
      for (String name : names) {
        if (ModulePattern.endsWith(name, module)) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * Modules whose whole name matches.
   *
   * @param regex a regular expression
   */
  record Matching(String regex) implements TargetModules {
    @Override
    public boolean includes(String module) {
      return ModulePattern.matchesWhole(regex, module);
    }
  }
}
