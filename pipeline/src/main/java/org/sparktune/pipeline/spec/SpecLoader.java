package org.sparktune.pipeline.spec;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.SpecNode.Entry;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.SpecNode.Sequence;

/** Loads a specification: parse, apply overrides, read, order. All problems are thrown at once. */
public final class SpecLoader {
  private static final List<String> TOP_LEVEL_KEYS =
      List.of(
          "name",
          "output",
          "checkpoints",
          "seed",
          "executors",
          "min_executors",
          "cluster",
          "base_model",
          "tasks");
  private static final Pattern TASK_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
  private static final long MAX_BYTES = 3L << 20;

  private final SpecProblems problems = new SpecProblems();
  private final SpecContext context;

  private SpecLoader(Path folder, Path workingDirectory, boolean checkFiles) {
    this.context = new SpecContext(problems, folder, workingDirectory, checkFiles);
  }

  /**
   * How to load.
   *
   * @param overrides {@code key.path=value}, applied in order
   * @param output the output folder in place of the file's; null leaves it
   * @param checkFiles whether a missing input file is a problem
   * @param workingDirectory what paths on the command line are relative to
   */
  public record Request(
      List<String> overrides, String output, boolean checkFiles, Path workingDirectory) {}

  /**
   * A loaded specification.
   *
   * @param spec the valid specification
   * @param text the YAML text with every override applied and every path absolute
   */
  public record Loaded(TaskSpec spec, String text) {}

  /**
   * Loads a file.
   *
   * @throws SpecException with every problem of the file
   * @throws SparktuneException if the file cannot be read
   */
  public static Loaded load(Path file, Request request) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    SpecLoader loader = new SpecLoader(folder, request.workingDirectory(), request.checkFiles());
    return loader.load(readText(file), file.toString(), request);
  }

  private Loaded load(String text, String origin, Request request) {
    SpecNode root = SpecTree.parse(text, origin, problems);
    if (root instanceof Mapping mapping) {
      Overrides overrides = new Overrides(mapping, TOP_LEVEL_KEYS, problems);
      request.overrides().forEach(overrides::apply);
      if (request.output() != null) {
        Location location = new Location("--output", 0, 0);
        Scalar value = new Scalar(location, request.output(), true);
        mapping.entries().put("output", new Entry(location, value));
      }
      TaskSpec spec = read(mapping);
      problems.throwIfAny();
      return new Loaded(spec, SpecWriter.write(mapping));
    }
    if (root != null) {
      problems.add(
          root.location(),
          "A specification is a mapping with 'name', 'output' and 'tasks', but this is "
              + (root instanceof SpecNode.Scalar scalar && scalar.isNull() ? "empty" : root.kind())
              + ".",
          "See docs/formats.md for an example.");
    }
    problems.throwIfAny();
    throw new IllegalStateException("A document without a tree has a problem");
  }

  private TaskSpec read(Mapping root) {
    MappingReader reader = new MappingReader(root, "a specification", context);
    String name = reader.requiredText("name");
    String output = output(root, reader);
    String checkpoints = reader.has("checkpoints") ? folder(root, reader, "checkpoints") : "";
    long seed = reader.integer("seed", 42, 0, Long.MAX_VALUE);
    ClusterOptions cluster = ClusterReader.read(reader);
    shareBaseModel(root, reader);
    List<Task> tasks = reader.require("tasks") ? tasks(reader, seed) : List.of();
    reader.finish();
    return new TaskSpec(name, output, checkpoints, seed, cluster, ordered(tasks, root));
  }

  /** Gives the file's base model to every task that names none. */
  private static void shareBaseModel(Mapping root, MappingReader reader) {
    if (!reader.has("base_model") || !(root.get("tasks") instanceof Sequence tasks)) {
      return;
    }
    for (SpecNode item : tasks.items()) {
      if (item instanceof Mapping task) {
        task.entries().putIfAbsent("base_model", root.entries().get("base_model"));
      }
    }
  }

  private String output(Mapping root, MappingReader reader) {
    return reader.require("output") ? folder(root, reader, "output") : "";
  }

  /** A folder to write to; the tree then holds its absolute form. */
  private String folder(Mapping root, MappingReader reader, String key) {
    String folder = context.resolveOutput(reader.requiredText(key));
    if (root.get(key) instanceof Scalar scalar) {
      scalar.resolve(folder);
    }
    return folder;
  }

  private List<Task> tasks(MappingReader reader, long seed) {
    if (!(reader.node("tasks") instanceof Sequence sequence)) {
      reader.wrongType("tasks", "a list of tasks", reader.node("tasks"));
      return List.of();
    }
    if (sequence.items().isEmpty()) {
      reader.problem("tasks", "'tasks' is an empty list.", "Add at least one task.");
    }
    Map<String, Mapping> mappings = new LinkedHashMap<>();
    Map<String, TaskType> types = new LinkedHashMap<>();
    for (SpecNode item : sequence.items()) {
      if (item instanceof Mapping mapping) {
        collect(mapping, mappings, types);
      } else {
        reader.wrongType("tasks", "a list of mappings", item);
      }
    }
    OptionsReader options = new OptionsReader(context, seed);
    List<Task> tasks = new ArrayList<>();
    mappings.forEach(
        (name, mapping) -> {
          TaskType type = types.get(name);
          if (type != null) {
            Task task = new TaskReader(context, options, types, name, mapping).read(type);
            if (task != null) {
              tasks.add(task);
            }
          }
        });
    return tasks;
  }

  /** Names and types come first, so that a task may refer to a later one. */
  private void collect(
      Mapping mapping, Map<String, Mapping> mappings, Map<String, TaskType> types) {
    MappingReader reader = new MappingReader(mapping, "the task", context);
    String name = reader.requiredText("name");
    if (name.isEmpty()) {
      return;
    }
    if (!TASK_NAME.matcher(name).matches()) {
      reader.problem(
          "name",
          "The task name '%s' cannot name a folder.".formatted(name),
          "Use letters, digits, '-', '_' and '.'.");
    }
    if (mappings.putIfAbsent(name, mapping) != null) {
      reader.problem("name", "Two tasks are named '%s'.".formatted(name), "Rename one.");
      return;
    }
    types.put(name, type(reader));
  }

  private TaskType type(MappingReader reader) {
    if (!reader.require("task_type")) {
      return null;
    }
    String word = reader.requiredText("task_type");
    for (TaskType type : TaskType.values()) {
      if (type.word().equals(word)) {
        return type;
      }
    }
    List<String> words = Stream.of(TaskType.values()).map(TaskType::word).toList();
    if (!word.isEmpty()) {
      reader.problem(
          "task_type", "'%s' is not a task type.".formatted(word), NearestWord.hint(word, words));
    }
    return null;
  }

  private List<Task> ordered(List<Task> tasks, Mapping root) {
    DependencyOrder.Result result = DependencyOrder.of(tasks);
    if (!result.cycle().isEmpty()) {
      problems.add(
          root.entries().get("tasks").keyLocation(),
          "The tasks wait for each other in a circle: %s."
              .formatted(String.join(" → ", result.cycle())),
          "Remove one of these dependencies.");
    }
    return result.ordered();
  }

  private static String readText(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw unreadable(file, "is a folder", null);
      }
      if (Files.size(file) > MAX_BYTES) {
        throw unreadable(file, "is larger than " + MAX_BYTES + " bytes", null);
      }
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
          .toString();
    } catch (NoSuchFileException e) {
      throw unreadable(file, "does not exist", e);
    } catch (CharacterCodingException e) {
      throw unreadable(file, "is not UTF-8 text", e);
    } catch (IOException e) {
      throw unreadable(file, "cannot be read (" + e.getMessage() + ")", e);
    }
  }

  private static SparktuneException unreadable(Path file, String why, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The specification %s %s.".formatted(file, why),
        "Give the path of a YAML file, such as conf/quickstart.yaml.",
        cause);
  }
}
