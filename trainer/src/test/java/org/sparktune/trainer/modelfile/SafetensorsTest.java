package org.sparktune.trainer.modelfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void shouldReadWhatItWrote() throws IOException {
    try (Arena arena = new Arena("test")) {
      float[] values = {1, -2, 3.5f, 0, 1e-20f, 6};
      Tensor matrix = arena.allocate(DType.F32, 2, 3).set(values);
      Path path = folder.resolve("deep/model.safetensors");
      SafetensorsWriter.write(path, Map.of("b", matrix, "a", arena.allocate(DType.BF16, 4)));
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertArrayEquals(new String[] {"a", "b"}, file.names().toArray());
        assertArrayEquals(new long[] {2, 3}, file.shape("b"));
        assertEquals(SafetensorsType.BF16, file.type("a"));
        assertEquals(Map.of("format", "pt"), file.metadata());
        Tensor read = arena.allocate(DType.F32, 2, 3);
        file.read("b", read);
        assertArrayEquals(values, read.toFloatArray());
      }
      assertEquals(0, Files.size(path) % 8);
    }
  }

  @Test
  void shouldLeaveTheOldFileWhenWritingFails() throws IOException {
    Path path = folder.resolve("model.safetensors");
    Files.writeString(path, "old");
    SafetensorsWriter.Entry failing =
        new SafetensorsWriter.Entry(
            DType.F32,
            new long[] {1},
            () -> {
              throw new IOException("disk full");
            });
    assertThrows(
        IOException.class, () -> SafetensorsWriter.write(path, Map.of("x", failing), Map.of()));
    assertEquals("old", Files.readString(path));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(1, left.count());
    }
  }

  @Test
  void shouldRefuseNanAndNameTheTensor() throws IOException {
    try (Arena arena = new Arena("test")) {
      Tensor bad = arena.allocate(DType.F32, 2).set(new float[] {1, Float.POSITIVE_INFINITY});
      Path path = folder.resolve("model.safetensors");
      SafetensorsWriter.write(path, Map.of("model.norm.weight", bad));
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        SparktuneException e =
            assertThrows(SparktuneException.class, () -> file.read("model.norm.weight", bad));
        assertEquals(ErrorCode.BAD_FILE, e.code());
        assertTrue(e.getMessage().contains("model.norm.weight"), e.getMessage());
        assertFalse(file.has("lm_head.weight"));
        assertThrows(SparktuneException.class, () -> file.shape("lm_head.weight"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{not json | 0 | not JSON",
        "[1,2,3,4] | 0 | not a JSON object",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 4 | at bytes 0 to 8 of 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | 8 | needs 12",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}} | 8 | needs -4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,4],\"data_offsets\":[0,8]}} | 8 | impossible",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}} | 8 | at bytes -8",
        "{\"a\":{\"dtype\":\"F32\"}} | 8 | without shape",
        "{\"a\":{\"dtype\":\"Q9\",\"shape\":[2],\"data_offsets\":[0,8]}} | 8 | \"Q9\"",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],"
            + "\"data_offsets\":[4,12]}} | 12 | overlap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
            + "\"data_offsets\":[12,16]}} | 16 | 4 bytes before the tensor b",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | 8 | 4 bytes before the tensor a",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 9 | 5 bytes behind its last tensor",
        "{} | 1 | 1 bytes behind",
      })
  void shouldRefuseHeadersThatLie(String header, int dataBytes, String expected)
      throws IOException {
    Path path = folder.resolve("bad.safetensors");
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(path, bytes.putLong(text.length).put(text).array());
    refuses(path, expected);
  }

  @Test
  void shouldTakeTensorsWithoutElements() throws IOException {
    try (Arena arena = new Arena("test")) {
      Path path = folder.resolve("model.safetensors");
      Tensor one = arena.allocate(DType.F32, 1).set(new float[] {1});
      SafetensorsWriter.write(
          path, Map.of("a", arena.allocate(DType.F32, 0, 4), "b", one, "c", one));
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertArrayEquals(new long[] {0, 4}, file.shape("a"));
        file.read("c", one);
        assertEquals(1, one.getFloat(0));
      }
    }
  }

  @Test
  void shouldRefuseWrongLengths() throws IOException {
    Path path = folder.resolve("bad.safetensors");
    refuses(path, "no file");
    Files.write(path, new byte[5]);
    refuses(path, "too short");
    Files.write(
        path, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 40).array());
    refuses(path, "1099511627776 bytes");
  }

  @Test
  void shouldReadShards() throws IOException {
    try (Arena arena = new Arena("test")) {
      Tensor one = arena.allocate(DType.F32, 1).set(new float[] {1});
      Tensor two = arena.allocate(DType.F32, 1).set(new float[] {2});
      SafetensorsWriter.write(folder.resolve("one.safetensors"), Map.of("a", one));
      SafetensorsWriter.write(folder.resolve("two.safetensors"), Map.of("b", two));
      Path index = folder.resolve("model.safetensors.index.json");
      Files.writeString(
          index, "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
      try (HuggingFaceFolder model = HuggingFaceFolder.open(folder)) {
        model.read("b", one);
        assertEquals(2, one.getFloat(0));
      }
      Files.writeString(index, "{\"weight_map\":{\"a\":\"two.safetensors\"}}");
      assertThrows(SparktuneException.class, () -> HuggingFaceFolder.open(folder));
      Files.writeString(index, "{\"weight_map\":{\"a\":\"three.safetensors\"}}");
      assertThrows(SparktuneException.class, () -> HuggingFaceFolder.open(folder));
    }
  }

  private static void refuses(Path path, String expected) {
    SparktuneException e = assertThrows(SparktuneException.class, () -> SafetensorsFile.open(path));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
    assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
  }
}
