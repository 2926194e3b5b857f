package org.sparktune.trainer.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.MappedFile;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.blocks.RowOrder;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

class BlockMatrixTest {
  private static final int ROWS = 8;
  private static final int COLUMNS = 512;

  @TempDir private Path folder;

  private static Stream<Arguments> storedMatrices() {
    return Arrays.stream(GgmlType.values())
        .filter(BlockMatrix::isBlockType)
        .flatMap(type -> Stream.of(Arguments.of(type, 0), Arguments.of(type, 4)));
  }

  /** The file's own reader is the twin: it decodes the same bytes element by element. */
  @ParameterizedTest
  @MethodSource("storedMatrices")
  void shouldDecodeWhatTheFileHolds(GgmlType type, int headSize) throws IOException {
    try (Arena arena = new Arena("test");
        MappedFile file = MappedFile.open(blocks(type))) {
      StoredTensor stored =
          new StoredTensor("w", type, new long[] {ROWS, COLUMNS}, file, 0, new RowOrder(headSize));
      Tensor expected = arena.allocate(DType.F32, ROWS, COLUMNS);
      stored.read(expected);
      QuantizedMatrix matrix = BlockMatrix.of(stored, arena).orElseThrow().copy(arena);
      assertEquals(stored.bytes(), matrix.bytes());
      for (int first = 0; first < ROWS; first += 3) {
        Tensor rows = arena.allocate(DType.F32, ROWS - first, COLUMNS);
        matrix.decode(first, rows);
        assertArrayEquals(expected.rows(first, ROWS).toFloatArray(), rows.toFloatArray(), 0);
      }
      Tensor half = arena.allocate(DType.BF16, ROWS, COLUMNS);
      Tensor expectedHalf = arena.allocate(DType.BF16, ROWS, COLUMNS);
      matrix.decode(0, half);
      stored.read(expectedHalf);
      assertEquals(
          expectedHalf.buffer(0, (int) half.byteSize()), half.buffer(0, (int) half.byteSize()));
    }
  }

  @Test
  void shouldLeaveFullWeightsAlone() throws IOException {
    try (Arena arena = new Arena("test");
        MappedFile file = MappedFile.open(blocks(GgmlType.F32))) {
      StoredTensor stored =
          new StoredTensor("w", GgmlType.F32, new long[] {ROWS, COLUMNS}, file, 0, RowOrder.PLAIN);
      assertTrue(BlockMatrix.of(stored, arena).isEmpty());
    }
  }

  @Test
  void shouldStackMatricesOfSeveralFormats() {
    Random random = new Random(5);
    float[] values = new float[7 * 64];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    try (Arena arena = new Arena("test")) {
      Tensor whole = arena.allocate(DType.F32, 7, 64).set(values);
      QuantizedMatrix top = Nf4Matrix.of(whole.rows(0, 3), false, arena);
      QuantizedMatrix bottom = Nf4Matrix.of(whole.rows(3, 7), true, arena);
      StackedMatrix stacked = new StackedMatrix(List.of(top, bottom)).copy(arena);
      assertEquals(7, stacked.rows());
      assertEquals(top.bytes() + bottom.bytes(), stacked.bytes());
      Tensor expected = arena.allocate(DType.F32, 7, 64);
      top.decode(0, expected.rows(0, 3));
      bottom.decode(0, expected.rows(3, 7));
      for (int first = 0; first < 7; first++) {
        for (int end = first + 1; end <= 7; end++) {
          Tensor rows = arena.allocate(DType.F32, end - first, 64);
          stacked.decode(first, rows);
          assertArrayEquals(expected.rows(first, end).toFloatArray(), rows.toFloatArray(), 0);
        }
      }
    }
  }

  /** Random blocks whose scales are finite: no exponent of all ones in any 16 bits. */
  private Path blocks(GgmlType type) throws IOException {
    byte[] bytes = new byte[(int) type.bytes((long) ROWS * COLUMNS)];
    new Random(type.name().hashCode()).nextBytes(bytes);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] &= (byte) 0xbb;
    }
    Path file = folder.resolve(type + ".bin");
    Files.write(file, bytes);
    return file;
  }
}
