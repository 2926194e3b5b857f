package org.sparktune.tokenizer.jinja;

import java.util.List;

/** The {@code loop} variable. */
final class LoopState implements Attributes {
  private final List<Object> items;
  private int index = -1;
  private Object lastSeen = this;

  LoopState(List<Object> items) {
    this.items = items;
  }

  void advance() {
    index++;
  }

  @Override
  public Object attribute(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      // Only recursive loops go deeper, and those are refused.
      case "depth" -> 1L;
      case "depth0" -> 0L;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" ->
          (Callable) arguments -> arguments.positional().get(index % arguments.positional().size());
      case "changed" ->
          (Callable)
              arguments -> {
                boolean changed =
                    lastSeen == this || !Values.equal(lastSeen, arguments.positional());
                lastSeen = arguments.positional();
                return changed;
              };
      default -> null;
    };
  }
}
