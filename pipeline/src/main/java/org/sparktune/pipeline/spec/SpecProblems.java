package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sparktune.core.ErrorCode;

/** Collects problems while a specification is read, so that all of them are reported at once. */
final class SpecProblems {
  private final List<SpecProblem> problems = new ArrayList<>();

  void add(Location location, String message, String hint) {
    SpecProblem problem = new SpecProblem(location, ErrorCode.INVALID_SPEC, message, hint);
    // A value that several tasks share is read several times.
    if (!problems.contains(problem)) {
      problems.add(problem);
    }
  }

  void addUnsupported(Location location, String message, String hint) {
    problems.add(new SpecProblem(location, ErrorCode.UNSUPPORTED, message, hint));
  }

  boolean isEmpty() {
    return problems.isEmpty();
  }

  void throwIfAny() {
    if (problems.isEmpty()) {
      return;
    }
    problems.sort(
        Comparator.comparingInt((SpecProblem problem) -> problem.location().line())
            .thenComparingInt(problem -> problem.location().column()));
    throw new SpecException(problems);
  }
}
