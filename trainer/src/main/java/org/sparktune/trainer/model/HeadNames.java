package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The score heads among an adapter's {@code modules_to_save}: {@code score} or {@code
 * attention_score}, or several of one kind with a number each, such as {@code score_0}.
 */
public final class HeadNames {
  private static final Pattern LINEAR = Pattern.compile(ScoreHead.MODULE + "(_[0-9]+)?");
  private static final Pattern ATTENTION = Pattern.compile(AttentionHead.MODULE + "(_[0-9]+)?");

  private HeadNames() {}

  /** The names of heads, in their order. */
  public static List<String> among(List<String> modules) {
    List<String> heads = new ArrayList<>();
    for (String module : modules) {
      if (LINEAR.matcher(module).matches() || isAttention(module)) {
        heads.add(module);
      }
    }
    return heads;
  }

  /** Whether a parameter belongs to a score head. */
  public static boolean own(String parameter) {
    int dot = parameter.indexOf('.');
    return dot > 0 && !among(List.of(parameter.substring(0, dot))).isEmpty();
  }

  static boolean isAttention(String module) {
    return ATTENTION.matcher(module).matches();
  }
}
