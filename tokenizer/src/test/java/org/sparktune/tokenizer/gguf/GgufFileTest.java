package org.sparktune.tokenizer.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class GgufFileTest {
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int UINT64 = 10;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void shouldReadMetadataAndTensorPlaces(int version) throws IOException {
    byte[] header = header(version).bytes();
    GgufFile file = read(withData(header, 32, 16 * 4 + 32 + 18 * 4));
    assertEquals(version, file.version());
    GgufMetadata metadata = file.metadata();
    assertEquals("llama", metadata.text("general.architecture"));
    assertEquals(7, metadata.integer("count"));
    assertEquals(0.25, metadata.number("ratio"));
    assertTrue(metadata.flag("yes", false));
    assertEquals(List.of("a", "é"), metadata.texts("tokens"));
    assertArrayEquals(new int[] {1, -2}, metadata.integers("types"));
    assertEquals(3, metadata.integer("absent", 3));
    assertTrue(metadata.values().get("nested") instanceof GgufValue.Sequence);
    GgufTensor first = file.tensor("first").orElseThrow();
    assertArrayEquals(new long[] {2, 8}, first.shape());
    assertEquals(GgmlType.F32, first.type());
    assertEquals(64, first.byteSize());
    assertEquals((header.length + 31) & -32, first.offset());
    GgufTensor second = file.tensor("second").orElseThrow();
    assertEquals(first.offset() + 96, second.offset());
    assertEquals(18 * 4, second.byteSize());
  }

  @Test
  void shouldNameTheFileForEveryTruncation() throws IOException {
    byte[] whole = withData(header(3).bytes(), 32, 16 * 4 + 32 + 18 * 4);
    for (int length = 0; length < whole.length; length++) {
      assertBad(Arrays.copyOf(whole, length), "test.gguf");
    }
  }

  @Test
  void shouldNeverFailOtherwiseThanByASentence() throws IOException {
    byte[] whole = withData(header(3).bytes(), 32, 16 * 4 + 32 + 18 * 4);
    for (int position = 0; position < whole.length; position++) {
      for (int value : new int[] {0, 0x7f, 0xff}) {
        byte[] damaged = whole.clone();
        damaged[position] = (byte) value;
        try {
          read(damaged);
        } catch (SparktuneException e) {
          assertEquals(ErrorCode.BAD_FILE, e.code());
        }
      }
    }
  }

  @Test
  void shouldRefuseOtherFilesAndVersions() throws IOException {
    assertBad("PK\3\4 is no model".getBytes(StandardCharsets.US_ASCII), "not a GGUF file");
    assertBad(header(1).bytes(), "version 1");
    assertBad(new Writer().magic().u32(0x03000000).bytes(), "big-endian");
    SparktuneException absent =
        assertThrows(SparktuneException.class, () -> GgufFile.read(folder.resolve("absent.gguf")));
    assertEquals(ErrorCode.BAD_FILE, absent.code());
  }

  @Test
  void shouldRefuseAbsurdCountsWithoutAllocatingForThem() throws IOException {
    assertBad(new Writer().magic().u32(3).u64(Long.MAX_VALUE).u64(0).bytes(), "number of tensors");
    assertBad(new Writer().magic().u32(3).u64(0).u64(1L << 40).bytes(), "number of metadata keys");
    assertBad(oneKey(w -> w.u32(STRING).u64(1L << 33)), "the.key");
    assertBad(oneKey(w -> w.u32(ARRAY).u32(UINT64).u64(1L << 60)), "the.key");
    assertBad(
        oneKey(
            w -> {
              w.u32(ARRAY);
              for (int i = 0; i < 20; i++) {
                w.u32(ARRAY).u64(1);
              }
            }),
        "too deeply");
    assertBad(oneKey(w -> w.u32(13).u64(0)), "unknown type 13");
    assertBad(oneKey(w -> w.u32(BOOL).u8(2).u64(0)), "the.key");
    assertBad(oneKey(w -> w.text("general.alignment").u32(UINT32).u32(24), false), "alignment 24");
  }

  @Test
  void shouldRefuseImpossibleTensors() throws IOException {
    assertBad(oneTensor(w -> w.u32(1).u64(64).u32(99).u64(0)), "block type 99", "the.tensor");
    assertBad(oneTensor(w -> w.u32(1).u64(64).u32(0).u64(0)), "the.tensor", "past its end");
    assertBad(oneTensor(w -> w.u32(1).u64(8).u32(0).u64(-32)), "the.tensor", "past its end");
    assertBad(oneTensor(w -> w.u32(1).u64(8).u32(0).u64(4)), "the.tensor", "multiple of 32");
    assertBad(oneTensor(w -> w.u32(1).u64(33).u32(2).u64(0)), "the.tensor", "Q4_0");
    assertBad(oneTensor(w -> w.u32(5).u64(8).u64(8).u32(0).u64(0)), "the.tensor", "5 dimensions");
    assertBad(oneTensor(w -> w.u32(1).u64(0).u32(0).u64(0)), "the.tensor");
    assertBad(
        oneTensor(w -> w.u32(2).u64(1L << 40).u64(1L << 40).u32(0).u64(0)),
        "the.tensor",
        "impossible");
  }

  @Test
  void shouldRefuseTheSameKeyTwice() throws IOException {
    Writer writer = new Writer().magic().u32(3).u64(0).u64(2);
    writer.text("twin").u32(BOOL).u8(1).text("twin").u32(BOOL).u8(1);
    assertBad(writer.bytes(), "twin twice");
  }

  @Test
  void shouldSayWhichKeyIsAbsentOrOfAnotherKind() throws IOException {
    GgufMetadata metadata = read(withData(header(3).bytes(), 32, 200)).metadata();
    assertSentence(() -> metadata.text("absent"), "no metadata key absent");
    assertSentence(() -> metadata.text("count"), "count", "the whole number 7, not a string");
    assertSentence(() -> metadata.integer("general.architecture"), "general.architecture");
    assertSentence(() -> metadata.texts("types"), "types");
    assertSentence(() -> metadata.integers("count"), "not an array");
    assertSentence(() -> metadata.flag("count", true), "true or false");
  }

  private Writer header(int version) {
    Writer writer = new Writer().magic().u32(version).u64(2).u64(7);
    writer.text("general.architecture").u32(STRING).text("llama");
    writer.text("count").u32(UINT32).u32(7);
    writer.text("ratio").u32(FLOAT32).u32(Float.floatToIntBits(0.25f));
    writer.text("yes").u32(BOOL).u8(1);
    writer.text("tokens").u32(ARRAY).u32(STRING).u64(2).text("a").text("é");
    writer.text("types").u32(ARRAY).u32(INT32).u64(2).u32(1).u32(-2);
    writer.text("nested").u32(ARRAY).u32(ARRAY).u64(1).u32(BOOL).u64(2).u8(0).u8(1);
    writer.text("first").u32(2).u64(8).u64(2).u32(0).u64(0);
    writer.text("second").u32(1).u64(128).u32(2).u64(96);
    return writer;
  }

  private static byte[] oneKey(Consumer<Writer> value) {
    return oneKey(value, true);
  }

  private static byte[] oneKey(Consumer<Writer> value, boolean named) {
    Writer writer = new Writer().magic().u32(3).u64(0).u64(1);
    if (named) {
      writer.text("the.key");
    }
    value.accept(writer);
    return writer.bytes();
  }

  private static byte[] oneTensor(Consumer<Writer> description) {
    Writer writer = new Writer().magic().u32(3).u64(1).u64(0).text("the.tensor");
    description.accept(writer);
    return withData(writer.bytes(), 32, 32);
  }

  private static byte[] withData(byte[] header, int alignment, int dataBytes) {
    return Arrays.copyOf(
        header, (header.length + alignment - 1) / alignment * alignment + dataBytes);
  }

  private GgufFile read(byte[] bytes) throws IOException {
    return GgufFile.read(Files.write(folder.resolve("test.gguf"), bytes));
  }

  private void assertBad(byte[] bytes, String... parts) throws IOException {
    Path path = Files.write(folder.resolve("test.gguf"), bytes);
    assertSentence(() -> GgufFile.read(path), parts);
  }

  private static void assertSentence(Runnable action, String... parts) {
    SparktuneException e = assertThrows(SparktuneException.class, action::run);
    assertEquals(ErrorCode.BAD_FILE, e.code());
    assertTrue(e.getMessage().contains("test.gguf"), e.getMessage());
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  /** Puts little-endian values one after the other. */
  private static final class Writer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Writer magic() {
      out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
      return this;
    }

    Writer u8(int value) {
      out.write(value);
      return this;
    }

    Writer u32(int value) {
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Writer u64(long value) {
      out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
      return this;
    }

    Writer text(String value) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      u64(bytes.length);
      out.writeBytes(bytes);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }
}
