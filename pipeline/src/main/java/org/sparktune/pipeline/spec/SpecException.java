package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Everything that is wrong with a specification, in the order of its lines. */
public final class SpecException extends SparktuneException {
  private static final long serialVersionUID = 1L;

  private final ArrayList<SpecProblem> problems;

  /**
   * @param problems at least one
   */
  public SpecException(List<SpecProblem> problems) {
    super(codeOf(problems), messageOf(problems), "");
    this.problems = new ArrayList<>(problems);
  }

  /** The problems; at least one. */
  public List<SpecProblem> problems() {
    return List.copyOf(problems);
  }

  private static ErrorCode codeOf(List<SpecProblem> problems) {
    boolean onlyUnsupported =
        problems.stream().allMatch(problem -> problem.code() == ErrorCode.UNSUPPORTED);
    return onlyUnsupported ? ErrorCode.UNSUPPORTED : ErrorCode.INVALID_SPEC;
  }

  private static String messageOf(List<SpecProblem> problems) {
    if (problems.size() == 1) {
      return problems.get(0).toString();
    }
    return problems.stream()
        .map(problem -> "\n  " + problem)
        .collect(Collectors.joining("", problems.size() + " problems in the specification:", ""));
  }
}
