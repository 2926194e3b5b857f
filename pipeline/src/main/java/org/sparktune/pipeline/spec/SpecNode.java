package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A specification as a tree in which every node knows its place. Aliases and merge keys are already
 * resolved, so no node occurs twice and an override changes one place only.
 */
sealed interface SpecNode {

  /** Where the node begins. */
  Location location();

  /** What the node is, for messages: "a mapping", "a list", "text". */
  String kind();

  /** A single value. */
  final class Scalar implements SpecNode {
    private final Location location;
    private final boolean quoted;
    private final String written;
    private String text;

    Scalar(Location location, String text, boolean quoted) {
      this.location = location;
      this.written = text;
      this.text = text;
      this.quoted = quoted;
    }

    @Override
    public Location location() {
      return location;
    }

    @Override
    public String kind() {
      return quoted ? "text" : "'" + text + "'";
    }

    String text() {
      return text;
    }

    /** What the file says, whatever it was resolved to. */
    String written() {
      return written;
    }

    /** Puts the resolved form of a path in place of what was written. */
    void resolve(String resolved) {
      text = resolved;
    }

    boolean quoted() {
      return quoted;
    }

    boolean isNull() {
      return !quoted && (text.isEmpty() || text.equals("~") || text.equalsIgnoreCase("null"));
    }
  }

  /** A list. */
  record Sequence(Location location, List<SpecNode> items) implements SpecNode {
    @Override
    public String kind() {
      return "a list";
    }
  }

  /** A mapping in the order of the file. */
  record Mapping(Location location, Map<String, Entry> entries) implements SpecNode {

    static Mapping empty(Location location) {
      return new Mapping(location, new LinkedHashMap<>());
    }

    @Override
    public String kind() {
      return "a mapping";
    }

    /** The value of a key, or null. */
    SpecNode get(String key) {
      Entry entry = entries.get(key);
      return entry == null ? null : entry.value();
    }
  }

  /**
   * A key with its value.
   *
   * @param keyLocation where the key stands
   */
  record Entry(Location keyLocation, SpecNode value) {}

  /** An empty list that can grow. */
  static Sequence emptySequence(Location location) {
    return new Sequence(location, new ArrayList<>());
  }
}
