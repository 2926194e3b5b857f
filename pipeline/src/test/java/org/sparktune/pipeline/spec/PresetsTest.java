package org.sparktune.pipeline.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every specification in {@code conf/} is valid and says how it is run and what it trades. */
class PresetsTest {
  private static final Path CONF = Path.of("..", "conf").toAbsolutePath().normalize();

  static List<Path> presets() throws IOException {
    try (Stream<Path> files = Files.list(CONF)) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("presets")
  void shouldBeValidAndDocumented(Path preset) throws IOException {
    TaskSpec spec =
        SpecLoader.load(preset, new SpecLoader.Request(List.of(), null, false, CONF)).spec();
    String name = preset.getFileName().toString();
    String text = Files.readString(preset);

    assertEquals(name.replace(".yaml", ""), spec.name());
    assertTrue(text.startsWith("# "), "a preset opens with what it is");
    assertTrue(text.contains("sparktune run conf/" + name), "it says how it is run");
    assertTrue(text.contains("--set "), "it says how it is changed");
  }
}
