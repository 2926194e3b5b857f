package org.sparktune.pipeline.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class LocalCopiesTest {
  private static final int PROCESSES = 6;

  @TempDir private Path folder;
  private Path model;
  private LocalCopies copies;
  private Configuration hadoop;

  @BeforeEach
  void writeModel() throws IOException {
    model = Files.createDirectory(folder.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{}");
    Files.writeString(model.resolve("model.safetensors"), "weights");
    Files.writeString(model.resolve("pytorch_model.bin"), "the same weights");
    Files.writeString(Files.createDirectory(model.resolve("original")).resolve("more"), "more");
    copies = new LocalCopies(folder.resolve("cache"));
    hadoop = new Configuration();
    hadoop.setClass(
        "fs.elsewhere.impl", ElsewhereFileSystem.class, org.apache.hadoop.fs.FileSystem.class);
  }

  @Test
  void shouldLeaveLocalPathsAlone() {
    assertEquals(model, copies.get(model.toString(), hadoop));
    assertEquals(model, copies.get(model.toUri().toString(), hadoop));
    assertFalse(Files.exists(folder.resolve("cache")));
  }

  @Test
  void shouldCopyWhatIsReadOfAFolderUnderItsName() throws IOException {
    Path copy = copies.get(elsewhere(model), hadoop);
    assertEquals("model", copy.getFileName().toString());
    assertEquals(List.of("config.json", "model.safetensors"), names(copy));
    assertEquals("weights", Files.readString(copy.resolve("model.safetensors")));
    assertEquals(List.of("config.json"), names(copies.withoutWeights(elsewhere(model), hadoop)));
  }

  @Test
  void shouldCopyOnceHoweverManyAskAtTheSameTime() throws Exception {
    ElsewhereFileSystem.OPENED.set(0);
    ExecutorService threads = Executors.newFixedThreadPool(PROCESSES);
    try {
      List<Future<Path>> asked = new ArrayList<>();
      for (int i = 0; i < PROCESSES; i++) {
        asked.add(threads.submit(() -> copies.get(elsewhere(model), hadoop)));
      }
      for (Future<Path> path : asked) {
        assertEquals(asked.get(0).get(), path.get());
      }
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } finally {
      threads.shutdown();
    }
    assertEquals(2, ElsewhereFileSystem.OPENED.get(), "files were opened");
  }

  @Test
  void shouldCopyAgainWhatHasChangedOrWasDamaged() throws IOException {
    Path first = copies.get(elsewhere(model), hadoop);
    Files.writeString(first.resolve("model.safetensors"), "cut");
    Path repaired = copies.get(elsewhere(model), hadoop);
    assertEquals(first, repaired);
    assertEquals("weights", Files.readString(repaired.resolve("model.safetensors")));

    Files.writeString(model.resolve("model.safetensors"), "other weights");
    Path second = copies.get(elsewhere(model), hadoop);
    assertNotEquals(first, second);
    assertEquals("other weights", Files.readString(second.resolve("model.safetensors")));
  }

  @Test
  void shouldSayThatThereIsNoRoom() throws IOException {
    Path huge = Files.writeString(folder.resolve("huge.gguf"), "little");
    SparktuneException thrown = failure(huge);
    assertEquals(ErrorCode.RESOURCES, thrown.code());
    assertTrue(thrown.getMessage().contains("1,152,921,504,606,846,976"), thrown::getMessage);
    assertTrue(thrown.hint().contains("SPARKTUNE_CACHE"), thrown::hint);
  }

  @Test
  void shouldRefuseWhatArrivesWithAnotherChecksum() throws IOException {
    Path damaged = Files.writeString(folder.resolve("damaged.gguf"), "bytes");
    SparktuneException thrown = failure(damaged);
    assertEquals(ErrorCode.BAD_FILE, thrown.code());
    assertTrue(thrown.getMessage().contains("has the checksum 00000001"), thrown::getMessage);
    try (Stream<Path> left = Files.walk(folder.resolve("cache"))) {
      assertFalse(left.anyMatch(path -> path.endsWith("damaged.gguf")), "nothing is kept");
    }
  }

  @Test
  void shouldSayThatThereIsNothing() {
    SparktuneException thrown = failure(folder.resolve("absent"));
    assertEquals(ErrorCode.BAD_FILE, thrown.code());
    assertTrue(thrown.getMessage().contains("There is nothing at elsewhere:"), thrown::getMessage);
  }

  private SparktuneException failure(Path path) {
    return assertThrows(SparktuneException.class, () -> copies.get(elsewhere(path), hadoop));
  }

  private static String elsewhere(Path path) {
    return "elsewhere://" + path;
  }

  private static List<String> names(Path copy) throws IOException {
    try (Stream<Path> files = Files.list(copy)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
