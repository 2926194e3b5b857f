package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.sparktune.pipeline.spec.SpecNode.Entry;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.SpecNode.Sequence;

/**
 * Applies {@code --set key.path=value} to a tree before it is read, so that an overridden value is
 * checked like a written one. A path begins with a top-level key ({@code output}), with a task's
 * name ({@code assistant.hyperparams.seed}), with {@code tasks.} and a task's name or index, or,
 * where only one task can be meant, with a key of that task ({@code hyperparams.max_steps}).
 */
final class Overrides {
  private static final Set<String> TRAINING_TYPES =
      Set.of("lora_finetune", "full_ft", "qlora", "qat", "reward_model", "distill", "dpo", "ppo");

  private final Mapping root;
  private final List<String> topLevelKeys;
  private final SpecProblems problems;

  Overrides(Mapping root, List<String> topLevelKeys, SpecProblems problems) {
    this.root = root;
    this.topLevelKeys = topLevelKeys;
    this.problems = problems;
  }

  /** Applies one {@code key.path=value}. */
  void apply(String assignment) {
    Location location = new Location("--set " + assignment, 0, 0);
    int equals = assignment.indexOf('=');
    if (equals <= 0) {
      problems.add(location, "An override is written key.path=value.", "");
      return;
    }
    String[] path = assignment.substring(0, equals).strip().split("\\.", -1);
    for (String word : path) {
      if (word.isEmpty()) {
        problems.add(
            location, "The path has an empty word.", "Write it like hyperparams.max_steps.");
        return;
      }
    }
    SpecNode value = parseValue(assignment.substring(equals + 1), location);
    if (value == null) {
      return;
    }
    if (path[0].equals("tasks") && path.length > 1) {
      Mapping task = task(path[1]);
      if (task == null) {
        problems.add(
            location,
            "No task is named '%s'.".formatted(path[1]),
            NearestWord.hint(path[1], taskNames()));
      } else {
        put(task, path, 2, value, location);
      }
    } else if (isTopLevel(path[0])) {
      put(root, path, 0, value, location);
    } else if (path.length > 1 && task(path[0]) != null) {
      put(task(path[0]), path, 1, value, location);
    } else if (TaskReader.taskKeys().contains(path[0])) {
      putIntoOnlyTask(path, value, location);
    } else {
      List<String> valid = new ArrayList<>(taskNames());
      valid.addAll(topLevelKeys);
      valid.addAll(TaskReader.taskKeys());
      problems.add(
          location,
          "Nothing is named '%s'.".formatted(path[0]),
          NearestWord.find(path[0], valid)
              .map(word -> "Did you mean '" + word + "'?")
              .orElse("Begin with a task's name: " + String.join(", ", taskNames()) + "."));
    }
  }

  /**
   * {@code base_model} may stand at the top or in a task; at the top only if the file has it there.
   */
  private boolean isTopLevel(String key) {
    return topLevelKeys.contains(key)
        && (!TaskReader.taskKeys().contains(key) || key.equals("name") || root.get(key) != null);
  }

  private void putIntoOnlyTask(String[] path, SpecNode value, Location location) {
    List<Mapping> candidates = new ArrayList<>();
    for (Mapping task : tasks()) {
      if (TRAINING_TYPES.contains(scalarText(task.get("task_type")))) {
        candidates.add(task);
      }
    }
    if (candidates.isEmpty()) {
      candidates.addAll(tasks());
    }
    if (candidates.size() == 1) {
      put(candidates.get(0), path, 0, value, location);
    } else {
      problems.add(
          location,
          "'%s' could mean several tasks.".formatted(path[0]),
          "Begin with one's name: %s.".formatted(String.join(", ", names(candidates))));
    }
  }

  private void put(SpecNode parent, String[] path, int index, SpecNode value, Location location) {
    if (index >= path.length) {
      problems.add(
          location, "The path names a task, not a value of it.", "Add a key, such as .seed.");
      return;
    }
    String word = path[index];
    boolean last = index == path.length - 1;
    if (parent instanceof Mapping mapping) {
      SpecNode child = mapping.get(word);
      if (last) {
        mapping.entries().put(word, new Entry(location, value));
        return;
      }
      if (child == null || (child instanceof Scalar scalar && scalar.isNull())) {
        child = Mapping.empty(location);
        mapping.entries().put(word, new Entry(location, child));
      }
      put(child, path, index + 1, value, location);
    } else if (parent instanceof Sequence sequence) {
      int position = position(word, sequence.items().size());
      if (position < 0) {
        problems.add(
            location,
            "'%s' is not a place in a list of %d.".formatted(word, sequence.items().size()),
            "Places count from 0.");
      } else if (last) {
        sequence.items().set(position, value);
      } else {
        put(sequence.items().get(position), path, index + 1, value, location);
      }
    } else {
      problems.add(
          location,
          "'%s' is %s and has no '%s'.".formatted(path[index - 1], parent.kind(), word),
          "");
    }
  }

  private SpecNode parseValue(String text, Location location) {
    SpecProblems parsing = new SpecProblems();
    SpecNode parsed = SpecTree.parse(text, location.origin(), parsing);
    if (parsed == null || !parsing.isEmpty()) {
      problems.add(
          location, "The value is not valid YAML.", "Quote it for the shell, as in 'a.b=[x, y]'.");
      return null;
    }
    return relocate(parsed, location);
  }

  private static SpecNode relocate(SpecNode node, Location location) {
    if (node instanceof Scalar scalar) {
      return new Scalar(location, scalar.text(), scalar.quoted());
    }
    if (node instanceof Sequence sequence) {
      Sequence copy = SpecNode.emptySequence(location);
      for (SpecNode item : sequence.items()) {
        copy.items().add(relocate(item, location));
      }
      return copy;
    }
    Mapping copy = Mapping.empty(location);
    ((Mapping) node)
        .entries()
        .forEach(
            (key, entry) ->
                copy.entries().put(key, new Entry(location, relocate(entry.value(), location))));
    return copy;
  }

  private Mapping task(String nameOrIndex) {
    List<Mapping> tasks = tasks();
    for (Mapping task : tasks) {
      if (nameOrIndex.equals(scalarText(task.get("name")))) {
        return task;
      }
    }
    int position = position(nameOrIndex, tasks.size());
    return position < 0 ? null : tasks.get(position);
  }

  private List<Mapping> tasks() {
    List<Mapping> tasks = new ArrayList<>();
    if (root.get("tasks") instanceof Sequence sequence) {
      for (SpecNode item : sequence.items()) {
        if (item instanceof Mapping mapping) {
          tasks.add(mapping);
        }
      }
    }
    return tasks;
  }

  private List<String> taskNames() {
    return names(tasks());
  }

  private static List<String> names(List<Mapping> tasks) {
    List<String> names = new ArrayList<>();
    for (Mapping task : tasks) {
      names.add(scalarText(task.get("name")));
    }
    return names;
  }

  private static String scalarText(SpecNode node) {
    return node instanceof Scalar scalar ? scalar.text() : "";
  }

  private static int position(String word, int size) {
    if (!word.matches("[0-9]{1,6}")) {
      return -1;
    }
    int position = Integer.parseInt(word);
    return position < size ? position : -1;
  }
}
