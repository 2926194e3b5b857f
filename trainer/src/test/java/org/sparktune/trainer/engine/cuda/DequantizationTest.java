package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.BlockMatrix;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;

@Tag("gpu")
class DequantizationTest {
  /** Where the half-precision scales of a block lie; all other bytes may be anything. */
  private static final Map<GgmlType, int[]> SCALES =
      Map.of(
          GgmlType.Q4_0, new int[] {0},
          GgmlType.Q4_1, new int[] {0, 2},
          GgmlType.Q5_0, new int[] {0},
          GgmlType.Q5_1, new int[] {0, 2},
          GgmlType.Q8_0, new int[] {0},
          GgmlType.Q4_K, new int[] {0, 2},
          GgmlType.Q5_K, new int[] {0, 2},
          GgmlType.Q6_K, new int[] {208});

  private final SplittableRandom random = new SplittableRandom(5);
  private DeviceTwins twins;
  private Arena host;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(5);
    host = new Arena("test");
  }

  @AfterEach
  void close() {
    if (twins != null) {
      host.close();
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Q4_0, 13,   96",
    "Q4_1, 7,    32",
    "Q5_0, 13,   160",
    "Q5_1, 1,    4096",
    "Q8_0, 207,  64",
    "Q4_K, 13,   768",
    "Q5_K, 5,    256",
    "Q6_K, 33,   1024"
  })
  void shouldDecodeBlocksAsTheHostDoes(GgmlType type, int rows, int columns) {
    Tensor bytes = host.allocate(DType.I8, rows, type.bytes(columns));
    for (long i = 0; i < bytes.size(); i++) {
      Memory.putByte(bytes.address() + i, (byte) random.nextInt());
    }
    for (long block = 0; block < bytes.size(); block += type.blockBytes()) {
      for (int scale : SCALES.get(type)) {
        // Half-precision numbers between 2^-14 and 2^2, of either sign.
        int half = random.nextInt(0x0400, 0x4400) | random.nextInt(2) << 15;
        Memory.putShort(bytes.address() + block + scale, (short) half);
      }
    }
    assertSameBits(new BlockMatrix(type, bytes, columns));
  }

  @ParameterizedTest
  @CsvSource({"13, 96, false", "64, 256, true", "7, 31, true", "5, 13, false", "33, 4104, true"})
  void shouldDecodeNormalFloatsAsTheHostDoes(int rows, int columns, boolean twice) {
    Tensor matrix = host.allocate(DType.F32, rows, columns);
    for (long i = 0; i < matrix.size(); i++) {
      matrix.setFloat(i, (float) random.nextGaussian());
    }
    assertSameBits(Nf4Matrix.of(matrix, twice, host));
  }

  @ParameterizedTest
  @CsvSource({"13, 96", "7, 31", "33, 4104"})
  void shouldDecodeEightBitsAsTheHostDoes(int rows, int columns) {
    Tensor matrix = host.allocate(DType.F32, rows, columns);
    for (long i = 0; i < matrix.size(); i++) {
      matrix.setFloat(i, (float) random.nextGaussian());
    }
    assertSameBits(Fp8Matrix.of(matrix, host));
  }

  @Test
  void shouldNameATypeThatItCannotKeep() {
    GgmlType type = GgmlType.Q2_K;
    Tensor bytes = host.allocate(DType.I8, 2, type.bytes(256));
    try (DeviceArena arena = new DeviceArena(twins.device, "test")) {
      QuantizedUploads uploads = new QuantizedUploads(arena, twins.staging);
      SparktuneException refusal =
          assertThrows(
              SparktuneException.class, () -> uploads.upload(new BlockMatrix(type, bytes, 256)));
      assertEquals(true, refusal.getMessage().contains("Q2_K"), refusal.getMessage());
    }
  }

  private void assertSameBits(QuantizedMatrix matrix) {
    try (DeviceArena arena = new DeviceArena(twins.device, "test");
        Dequantization dequantization =
            new Dequantization(twins.device, twins.kernels, twins.staging)) {
      QuantizedMatrix there = new QuantizedUploads(arena, twins.staging).upload(matrix);
      for (DType type : new DType[] {DType.F32, DType.BF16}) {
        for (long room : new long[] {0, 64, 3}) {
          long columns = matrix.columns();
          Tensor wide = arena.allocate(type, matrix.rows(), columns + room);
          Tensor decoded = wide.columns(0, columns);
          dequantization.decode(there, decoded);
          Tensor expected = host.allocate(type, matrix.rows(), columns);
          matrix.decode(0, expected);
          Tensor back = host.allocate(type, matrix.rows(), columns);
          twins.staging.download(decoded, back);
          for (long i = 0; i < back.byteSize(); i++) {
            assertEquals(
                Memory.getByte(expected.address() + i), Memory.getByte(back.address() + i));
          }
        }
      }
    }
  }
}
