package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts tasks behind what they depend on; among those that are ready, the order of the file stays.
 */
final class DependencyOrder {
  private DependencyOrder() {}

  /**
   * The tasks in order, or the names of a cycle.
   *
   * @param ordered every task when there is no cycle
   * @param cycle the names along a cycle, the first repeated at the end; empty when there is none
   */
  record Result(List<Task> ordered, List<String> cycle) {}

  static Result of(List<Task> tasks) {
    Map<String, Task> waiting = new LinkedHashMap<>();
    for (Task task : tasks) {
      waiting.put(task.name(), task);
    }
    List<Task> ordered = new ArrayList<>();
    while (!waiting.isEmpty()) {
      Task ready = null;
      for (Task task : waiting.values()) {
        if (task.dependencies().stream().noneMatch(waiting::containsKey)) {
          ready = task;
          break;
        }
      }
      if (ready == null) {
        return new Result(List.of(), cycle(waiting));
      }
      waiting.remove(ready.name());
      ordered.add(ready);
    }
    return new Result(List.copyOf(ordered), List.of());
  }

  /** Every waiting task waits for another waiting one, so following them must come round. */
  private static List<String> cycle(Map<String, Task> waiting) {
    List<String> path = new ArrayList<>();
    String name = waiting.keySet().iterator().next();
    while (!path.contains(name)) {
      path.add(name);
      name =
          waiting.get(name).dependencies().stream()
              .filter(waiting::containsKey)
              .findFirst()
              .orElseThrow();
    }
    List<String> cycle = new ArrayList<>(path.subList(path.indexOf(name), path.size()));
    cycle.add(name);
    return List.copyOf(cycle);
  }
}
