package org.sparktune.trainer.model;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** How patterns name modules, as PEFT reads them. */
final class ModulePattern {
  private ModulePattern() {}

  /**
   * Whether a pattern of {@code rank_pattern}, {@code alpha_pattern} or a layer policy means a
   * module: the regular expression matches its whole name or a part of it after a dot.
   */
  static boolean matches(String pattern, String module) {
    return compile("(.*\\.)?(" + pattern + ")", pattern).matcher(module).matches();
  }

  /** Whether a regular expression matches the whole name. */
  static boolean matchesWhole(String pattern, String module) {
    return compile(pattern, pattern).matcher(module).matches();
  }

  /** Whether a plain name is the module's name or its end after a dot. */
  static boolean endsWith(String name, String module) {
    return module.equals(name) || module.endsWith("." + name);
  }

  private static Pattern compile(String expression, String given) {
    try {
      return Pattern.compile(expression);
    } catch (PatternSyntaxException e) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The module pattern \"%s\" is not a regular expression: %s."
              .formatted(given, e.getDescription()),
          "Give a module name such as q_proj, or a regular expression.",
          e);
    }
  }
}
