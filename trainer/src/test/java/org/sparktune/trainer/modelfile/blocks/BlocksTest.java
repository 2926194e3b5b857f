package org.sparktune.trainer.modelfile.blocks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.SafetensorsFile;

/** Holds every block type against what GGML's reference implementation makes of the same bytes. */
class BlocksTest {
  private static SafetensorsFile reference;

  private final Arena arena = new Arena("test");

  @BeforeAll
  static void open() throws URISyntaxException {
    reference =
        SafetensorsFile.open(
            Path.of(BlocksTest.class.getResource("/reference/ggml/blocks.safetensors").toURI()));
  }

  @AfterAll
  static void close() {
    reference.close();
  }

  @AfterEach
  void free() {
    arena.close();
  }

  static List<GgmlType> referenceTypes() {
    return Arrays.stream(GgmlType.values())
        .filter(type -> reference.has(type + ".values"))
        .toList();
  }

  static Stream<GgmlType> encoders() {
    return Arrays.stream(GgmlType.values()).filter(type -> reference.has("quantized." + type));
  }

  @Test
  void shouldHaveReferencesForAllTypes() {
    assertEquals(24, referenceTypes().size());
    assertEquals(6, encoders().count());
  }

  @ParameterizedTest
  @MethodSource("referenceTypes")
  void shouldDecodeToTheReferenceBitForBit(GgmlType type) {
    assertTrue(BlockReader.canDecode(type));
    int[] expected = bits(floats(type + ".values"));
    Tensor blocks = bytes(type + ".blocks");
    float[] decoded = new float[expected.length];
    BlockReader.decode(type, blocks.address(), decoded.length, decoded);
    assertArrayEquals(expected, bits(decoded));
  }

  @ParameterizedTest
  @MethodSource("referenceTypes")
  void shouldDecodeRunsIndependently(GgmlType type) {
    float[] expected = floats(type + ".values");
    Tensor blocks = bytes(type + ".blocks");
    float[] run = new float[type.blockElements()];
    for (int first = 0; first < expected.length; first += run.length) {
      BlockReader.decode(type, blocks.address() + type.bytes(first), run.length, run);
      assertArrayEquals(Arrays.copyOfRange(expected, first, first + run.length), run);
    }
  }

  @ParameterizedTest
  @MethodSource("encoders")
  void shouldEncodeToTheReferenceBytes(GgmlType type) {
    assertTrue(BlockWriter.canEncode(type));
    float[] source = floats("source");
    Tensor expected = bytes("quantized." + type);
    Tensor written = arena.allocate(DType.I8, type.bytes(source.length));
    BlockWriter.encode(type, source, source.length, written.address());
    assertArrayEquals(heap(expected), heap(written));
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldKeepZerosAndStayWithinHalfAStep(GgmlType type) {
    if (!BlockWriter.canEncode(type)) {
      Tensor memory = arena.allocate(DType.I8, type.blockBytes());
      float[] values = new float[type.blockElements()];
      assertThrows(
          IllegalArgumentException.class,
          () -> BlockWriter.encode(type, values, values.length, memory.address()));
      return;
    }
    float[] values = new float[96];
    for (int i = 32; i < values.length; i++) {
      values[i] = (float) Math.sin(i * i) * (i < 64 ? 1 : 1e-3f);
    }
    Tensor memory = arena.allocate(DType.I8, type.bytes(values.length));
    BlockWriter.encode(type, values, values.length, memory.address());
    float[] decoded = new float[values.length];
    BlockReader.decode(type, memory.address(), decoded.length, decoded);
    for (int i = 0; i < values.length; i++) {
      assertEquals(values[i], decoded[i], i < 32 ? 0 : i < 64 ? 0.13 : 0.13e-3, "element " + i);
    }
  }

  @Test
  void shouldRefuseTypesThatHoldNoWeights() {
    assertFalse(BlockReader.canDecode(GgmlType.Q8_1));
    assertFalse(BlockReader.canDecode(GgmlType.I32));
    Tensor memory = arena.allocate(DType.I8, 40);
    assertThrows(
        IllegalArgumentException.class,
        () -> BlockReader.decode(GgmlType.Q8_1, memory.address(), 32, new float[32]));
  }

  @Test
  void shouldRoundHalvesToNearestEven() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = ElementConversion.halfToFloat((short) bits);
      float next = ElementConversion.halfToFloat((short) (bits + 1));
      assertEquals(bits, ElementConversion.floatToHalf(value));
      assertEquals((bits | 0x8000) - 0x10000, ElementConversion.floatToHalf(-value));
      if (bits < 0x7bff) {
        float middle = (value + next) / 2;
        assertEquals(bits + (bits & 1), ElementConversion.floatToHalf(middle));
        assertEquals(bits, ElementConversion.floatToHalf(Math.nextDown(middle)));
        assertEquals(bits + 1, ElementConversion.floatToHalf(Math.nextUp(middle)));
      }
    }
  }

  private Tensor bytes(String name) {
    long[] values = reference.readIntegers(name);
    Tensor tensor = arena.allocate(DType.I8, values.length);
    for (int i = 0; i < values.length; i++) {
      Memory.putByte(tensor.address() + i, (byte) values[i]);
    }
    return tensor;
  }

  private float[] floats(String name) {
    Tensor tensor = arena.allocate(DType.F32, reference.shape(name));
    reference.read(name, tensor);
    return tensor.toFloatArray();
  }

  private static byte[] heap(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.buffer(0, bytes.length).get(bytes);
    return bytes;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
