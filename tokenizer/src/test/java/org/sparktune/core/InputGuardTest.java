package org.sparktune.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputGuardTest {
  @TempDir private Path folder;

  @Test
  void shouldLetOtherPlacesBe() throws IOException {
    Path input = Files.createDirectory(folder.resolve("in"));
    InputGuard.requireApart(folder.resolve("out"), input);
    InputGuard.requireApart(folder.resolve("in-2/new"), input);
    InputGuard.requireApart(folder, input);
    InputGuard.requireApart(folder.resolve("out"), folder.resolve("absent"));
  }

  @Test
  void shouldRefuseAnInput() throws IOException {
    Path input = Files.createFile(folder.resolve("model.gguf"));
    refused(folder.resolve("x/../model.gguf"), input);
    Path link = Files.createSymbolicLink(folder.resolve("link.gguf"), input);
    refused(link, input);
    refused(input, link);
  }

  @Test
  void shouldRefusePlacesInsideAnInput() throws IOException {
    Path input = Files.createDirectory(folder.resolve("in"));
    refused(input.resolve("new/out"), input);
    Path link = Files.createSymbolicLink(folder.resolve("link"), input);
    refused(link.resolve("out"), input);
  }

  private static void refused(Path output, Path input) {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> InputGuard.requireApart(output, input));
    assertEquals(ErrorCode.OUTPUT, e.code());
  }
}
