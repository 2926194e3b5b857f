package org.sparktune.tokenizer.jinja;

import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A parsed template. Immutable and safe for use by many threads. */
public final class Template {
  private final Statement.Block body;

  private Template(Statement.Block body) {
    this.body = body;
  }

  /**
   * A rendering.
   *
   * @param text the whole text
   * @param generationSpans start (inclusive) and end (exclusive) of what each {@code generation}
   *     block wrote, in UTF-16 units, in order
   */
  public record Rendering(String text, List<int[]> generationSpans) {}

  /**
   * Parses a template.
   *
   * @throws TemplateException with the line of what is wrong
   */
  public static Template parse(String source) {
    return new Template(Parser.parse(source));
  }

  /**
   * Renders the template.
   *
   * @param variables null, Boolean, Long, Double, String, List and Map (with String keys) values
   * @param now what {@code strftime_now} tells
   * @throws TemplateException when the template fails, refuses or exceeds its bounds
   */
  public Rendering render(Map<String, Object> variables, LocalDateTime now) {
    Map<String, Object> all = new HashMap<>(variables);
    all.put(
        "strftime_now",
        (Callable) arguments -> TimeFormat.format(now, arguments.text(0, "format", "")));
    Output output = new Output();
    try {
      body.render(Scope.root(all), output);
    } catch (StackOverflowError e) {
      throw new TemplateException("the template is nested too deeply");
    }
    return new Rendering(output.toString(), List.copyOf(output.generationSpans()));
  }
}
