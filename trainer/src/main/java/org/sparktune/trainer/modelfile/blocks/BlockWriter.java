package org.sparktune.trainer.modelfile.blocks;

import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

/** Encodes runs of F32 elements in the block types that are written. */
public final class BlockWriter {
  private BlockWriter() {}

  /** Whether elements can be encoded in a type. */
  public static boolean canEncode(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 -> true;
      case Q8_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ4_NL, IQ4_XS -> false;
      case IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ1_S, IQ1_M -> false;
      case I8, I16, I32, I64, F64, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0 -> false;
    };
  }

  /**
   * Encodes elements.
   *
   * @param type one that {@link #canEncode} knows
   * @param values finite elements, from the array's beginning
   * @param count how many, a multiple of the type's block size
   * @param address where {@code type.bytes(count)} bytes are written
   */
  public static void encode(GgmlType type, float[] values, int count, long address) {
    switch (type) {
      case F32 -> Memory.copyFromHeap(values, address, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          Memory.putShort(address + i * 2L, ElementConversion.floatToHalf(values[i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          Memory.putShort(address + i * 2L, ElementConversion.floatToBfloat(values[i]));
        }
      }
      case Q4_0 -> blocks(type, SmallBlockEncoders::q40, values, count, address);
      case Q4_1 -> blocks(type, SmallBlockEncoders::q41, values, count, address);
      case Q5_0 -> blocks(type, SmallBlockEncoders::q50, values, count, address);
      case Q5_1 -> blocks(type, SmallBlockEncoders::q51, values, count, address);
      case Q8_0 -> blocks(type, SmallBlockEncoders::q80, values, count, address);
      case Q8_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ4_NL, IQ4_XS -> throw none(type);
      case IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ1_S, IQ1_M -> throw none(type);
      case I8, I16, I32, I64, F64, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0 -> throw none(type);
    }
  }

  private static void blocks(
      GgmlType type, BlockEncoder encoder, float[] values, int count, long address) {
    int elements = type.blockElements();
    int bytes = type.blockBytes();
    for (int i = 0; i < count / elements; i++) {
      encoder.encode(values, i * elements, address + (long) i * bytes);
    }
  }

  private static IllegalArgumentException none(GgmlType type) {
    return new IllegalArgumentException("No encoder for " + type);
  }
}
