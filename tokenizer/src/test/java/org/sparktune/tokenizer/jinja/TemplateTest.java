package org.sparktune.tokenizer.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.USE_LONG_FOR_INTS, true);
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 4, 9, 5, 7);

  /** What Python's Jinja2 gave for each template, in the environment that transformers sets up. */
  @TestFactory
  List<DynamicTest> shouldRenderAsJinja2() throws IOException {
    JsonNode file;
    try (InputStream in = TemplateTest.class.getResourceAsStream("/jinja/snippets.json")) {
      file = JSON.readTree(in);
    }
    Map<String, Object> variables =
        JSON.convertValue(file.get("variables"), new TypeReference<>() {});
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode test : file.get("cases")) {
      String template = test.get("template").asText();
      tests.add(DynamicTest.dynamicTest(template, () -> check(template, test, variables)));
    }
    return tests;
  }

  private static void check(String template, JsonNode test, Map<String, Object> variables) {
    if (test.has("output")) {
      assertEquals(test.get("output").asText(), render(template, variables));
      return;
    }
    String message =
        assertThrows(TemplateException.class, () -> render(template, variables)).getMessage();
    String[] error = test.get("error").asText().split(": ", 2);
    if (error[0].equals("TemplateError") || error[0].equals("UndefinedError")) {
      assertEquals(error[1], message);
    }
  }

  private static String render(String template, Map<String, Object> variables) {
    return Template.parse(template).render(variables, NOW).text();
  }

  @Test
  void shouldTellWhereGenerationBlocksAre() {
    Template template =
        Template.parse(
            "{% for m in messages %}<{{ m }}>{% if m == 'b' %}{% generation %}{{ m * 3 }}!{% endgeneration %}{% endif %}{% endfor %}");
    Template.Rendering rendering =
        template.render(Map.of("messages", List.of("a", "b", "c", "b")), NOW);
    assertEquals("<a><b>bbb!<c><b>bbb!", rendering.text());
    assertEquals(2, rendering.generationSpans().size());
    for (int[] span : rendering.generationSpans()) {
      assertEquals("bbb!", rendering.text().substring(span[0], span[1]));
    }
  }

  @Test
  void shouldFormatTheGivenTime() {
    assertEquals(
        "04 Jul 2024 09:05:07 AM Thursday 7/4/24 186 %",
        render("{{ strftime_now('%d %b %Y %H:%M:%S %p %A %-m/%-d/%y %j %%') }}", Map.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% if %}", "{{ a", "{% for x in y %}", "{{ 'abc }}", "{{ a.. }}", "{% endif %}",
            "{{ a | nope }}",
        "{{ a is nope }}", "{% break %}", "{% set = 1 %}", "{{ (1 }}", "{# open", "{{ $ }}",
            "{% raw %}",
        "{% import 'x' as y %}", "{% extends 'x' %}", "{% block b %}{% endblock %}", "{% nope %}"
      })
  void shouldRefuseWhatIsNoTemplate(String template) {
    String message =
        assertThrows(TemplateException.class, () -> Template.parse(template)).getMessage();
    assertTrue(message.startsWith("line 1: "), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ range(1000000) }}",
        "{{ 'a' * 999999999999 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}"
      })
  void shouldBoundWhatATemplateUses(String template) {
    assertThrows(TemplateException.class, () -> render(template, Map.of()));
  }

  @Test
  void shouldRefuseDeepNestingInsteadOfOverflowingTheStack() {
    String nested = "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}";
    assertThrows(TemplateException.class, () -> Template.parse(nested));
    String blocks = "{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000);
    assertThrows(TemplateException.class, () -> Template.parse(blocks));
  }
}
