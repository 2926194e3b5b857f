package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.pipeline.spec.SpecNode.Entry;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.SpecNode.Sequence;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Turns YAML text into a {@link SpecNode} tree. SnakeYAML only composes its node graph: no Java
 * object is ever made from a tag. Aliases are copied out and the copies are counted, so a file
 * whose aliases multiply is refused instead of filling the memory.
 */
final class SpecTree {
  private static final int MAX_NODES = 100_000;
  private static final int MAX_ALIASES = 100;
  private static final int MAX_DEPTH = 50;

  private final String origin;
  private final SpecProblems problems;
  private final Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>());
  private int nodes;

  private SpecTree(String origin, SpecProblems problems) {
    this.origin = origin;
    this.problems = problems;
  }

  /**
   * Parses a document.
   *
   * @param origin what locations name
   * @return the tree, or null if the text is not YAML (a problem says where)
   */
  static SpecNode parse(String text, String origin, SpecProblems problems) {
    LoaderOptions options = new LoaderOptions();
    options.setMaxAliasesForCollections(MAX_ALIASES);
    options.setNestingDepthLimit(MAX_DEPTH);
    SpecTree tree = new SpecTree(origin, problems);
    try {
      Node root = new Yaml(options).compose(new java.io.StringReader(text));
      return root == null ? new Scalar(new Location(origin, 1, 1), "", false) : tree.copy(root);
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark() == null ? e.getContextMark() : e.getProblemMark();
      problems.add(
          mark == null ? new Location(origin, 1, 1) : tree.location(mark),
          "This is not valid YAML: " + e.getProblem() + ".",
          "Check the indentation and the quotes around this place.");
      return null;
    } catch (TooLargeException | YAMLException e) {
      problems.add(
          new Location(origin, 1, 1),
          "This is not a usable YAML document: " + firstLine(e) + ".",
          "A specification is one small document; use fewer aliases and less nesting.");
      return null;
    }
  }

  private SpecNode copy(Node node) {
    if (++nodes > MAX_NODES) {
      throw new TooLargeException(
          "it has more than " + MAX_NODES + " values once aliases are resolved");
    }
    if (!open.add(node)) {
      throw new TooLargeException("an alias refers to a value that contains the alias");
    }
    SpecNode copy;
    if (node instanceof ScalarNode scalar) {
      copy =
          new Scalar(
              location(node), scalar.getValue(), scalar.getScalarStyle() != ScalarStyle.PLAIN);
    } else if (node instanceof SequenceNode sequence) {
      List<SpecNode> items = new ArrayList<>();
      for (Node item : sequence.getValue()) {
        items.add(copy(item));
      }
      copy = new Sequence(location(node), items);
    } else if (node instanceof MappingNode mapping) {
      copy = copyMapping(mapping);
    } else {
      throw new TooLargeException("it holds a value of an unknown kind");
    }
    open.remove(node);
    return copy;
  }

  private Mapping copyMapping(MappingNode mapping) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    List<Mapping> merged = new ArrayList<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Location keyLocation = location(tuple.getKeyNode());
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        problems.add(keyLocation, "A key must be a word.", "Write it as 'key: value'.");
        continue;
      }
      if (key.getValue().equals("<<") && key.getScalarStyle() == ScalarStyle.PLAIN) {
        collectMerged(copy(tuple.getValueNode()), merged);
        continue;
      }
      Entry earlier = entries.get(key.getValue());
      if (earlier != null) {
        problems.add(
            keyLocation,
            "The key '%s' is given twice in one mapping, first in line %d."
                .formatted(key.getValue(), earlier.keyLocation().line()),
            "Remove one of the two.");
        continue;
      }
      entries.put(key.getValue(), new Entry(keyLocation, copy(tuple.getValueNode())));
    }
    for (Mapping source : merged) {
      source.entries().forEach(entries::putIfAbsent);
    }
    return new Mapping(location(mapping), entries);
  }

  private void collectMerged(SpecNode node, List<Mapping> merged) {
    if (node instanceof Mapping mapping) {
      merged.add(mapping);
    } else if (node instanceof Sequence sequence) {
      for (SpecNode item : sequence.items()) {
        collectMerged(item, merged);
      }
    } else {
      problems.add(
          node.location(), "The merge key '<<' takes a mapping, not " + node.kind() + ".", "");
    }
  }

  private Location location(Node node) {
    return location(node.getStartMark());
  }

  private Location location(Mark mark) {
    return new Location(origin, mark.getLine() + 1, mark.getColumn() + 1);
  }

  private static String firstLine(RuntimeException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("").strip();
  }

  /** The document is larger than a specification can be. */
  private static final class TooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooLargeException(String message) {
      super(message);
    }
  }
}
