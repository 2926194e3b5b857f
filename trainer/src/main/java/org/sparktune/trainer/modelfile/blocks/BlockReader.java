package org.sparktune.trainer.modelfile.blocks;

import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

/**
 * Decodes runs of elements of any block type to F32. Runs are independent of each other, so that
 * several threads may share a tensor.
 */
public final class BlockReader {
  private BlockReader() {}

  /** Whether elements of a type can be decoded: all but what holds no weights. */
  public static boolean canDecode(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, F64 -> true;
      case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS -> true;
      case IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ1_S, IQ1_M, TQ1_0, TQ2_0, MXFP4 -> true;
      // Intermediate results of GGML's own products, and types without a published reference.
      case Q8_1, Q8_K, NVFP4, Q1_0 -> false;
      case I8, I16, I32, I64 -> false;
    };
  }

  /**
   * Decodes elements.
   *
   * @param type how they are stored, one that {@link #canDecode} knows
   * @param address of the first block; {@code type.bytes(count)} bytes are read
   * @param count a multiple of the type's block size
   * @param out where they go, from its beginning
   */
  public static void decode(GgmlType type, long address, int count, float[] out) {
    switch (type) {
      case F32 -> Memory.copyToHeap(address, out, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = ElementConversion.halfToFloat(Memory.getShort(address + i * 2L));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[i] = ElementConversion.bfloatToFloat(Memory.getShort(address + i * 2L));
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          out[i] = (float) Memory.getDouble(address + i * 8L);
        }
      }
      case Q4_0 -> blocks(type, SmallBlocks::q40, address, count, out);
      case Q4_1 -> blocks(type, SmallBlocks::q41, address, count, out);
      case Q5_0 -> blocks(type, SmallBlocks::q50, address, count, out);
      case Q5_1 -> blocks(type, SmallBlocks::q51, address, count, out);
      case Q8_0 -> blocks(type, SmallBlocks::q80, address, count, out);
      case IQ4_NL -> blocks(type, SmallBlocks::iq4Nl, address, count, out);
      case MXFP4 -> blocks(type, SmallBlocks::mxfp4, address, count, out);
      case Q2_K -> blocks(type, SuperBlocks::q2K, address, count, out);
      case Q3_K -> blocks(type, SuperBlocks::q3K, address, count, out);
      case Q4_K -> blocks(type, SuperBlocks::q4K, address, count, out);
      case Q5_K -> blocks(type, SuperBlocks::q5K, address, count, out);
      case Q6_K -> blocks(type, SuperBlocks::q6K, address, count, out);
      case IQ4_XS -> blocks(type, SuperBlocks::iq4Xs, address, count, out);
      case IQ2_XXS -> blocks(type, GridBlocks::iq2Xxs, address, count, out);
      case IQ2_XS -> blocks(type, GridBlocks::iq2Xs, address, count, out);
      case IQ2_S -> blocks(type, GridBlocks::iq2S, address, count, out);
      case IQ3_XXS -> blocks(type, GridBlocks::iq3Xxs, address, count, out);
      case IQ3_S -> blocks(type, GridBlocks::iq3S, address, count, out);
      case IQ1_S -> blocks(type, GridBlocks::iq1S, address, count, out);
      case IQ1_M -> blocks(type, GridBlocks::iq1M, address, count, out);
      case TQ1_0 -> blocks(type, TernaryBlocks::tq10, address, count, out);
      case TQ2_0 -> blocks(type, TernaryBlocks::tq20, address, count, out);
      case Q8_1, Q8_K, NVFP4, Q1_0, I8, I16, I32, I64 ->
          throw new IllegalArgumentException("No decoder for " + type);
    }
  }

  private static void blocks(
      GgmlType type, BlockDecoder decoder, long address, int count, float[] out) {
    int elements = type.blockElements();
    int bytes = type.blockBytes();
    for (int i = 0; i < count / elements; i++) {
      decoder.decode(address + (long) i * bytes, out, i * elements);
    }
  }
}
