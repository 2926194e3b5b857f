// Matrices of few bits to dense rows. A thread decodes eight neighbouring elements, never across
// two blocks. Products and sums are rounded one by one, as the host's decoders do it, so that both
// give the same bits.
#include "packs.cuh"

typedef const unsigned char* Bytes;

__device__ __forceinline__ float halfAt(Bytes at) {
  return number(f16{static_cast<unsigned short>(at[0] | at[1] << 8)});
}

__device__ __forceinline__ float scaled(float scale, int code) {
  return __fmul_rn(scale, static_cast<float>(code));
}

// The types of 32 elements: the first half in the low nibbles of 16 bytes, the second in the high.
template <int CODES>
__device__ __forceinline__ int nibble(Bytes block, int element) {
  const int byte = block[CODES + element % 16];
  return element < 16 ? byte & 15 : byte >> 4;
}

template <int BITS>
__device__ __forceinline__ int fifthBit(Bytes block, int element) {
  return (block[BITS + element / 8] >> element % 8 & 1) << 4;
}

struct Q40 {
  static constexpr int ELEMENTS = 32;
  static constexpr int BYTES = 18;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const float scale = halfAt(block);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = scaled(scale, nibble<2>(block, first + i) - 8);
    }
  }
};

struct Q41 {
  static constexpr int ELEMENTS = 32;
  static constexpr int BYTES = 20;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const float scale = halfAt(block);
    const float minimum = halfAt(block + 2);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = __fadd_rn(scaled(scale, nibble<4>(block, first + i)), minimum);
    }
  }
};

struct Q50 {
  static constexpr int ELEMENTS = 32;
  static constexpr int BYTES = 22;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const float scale = halfAt(block);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int code = nibble<6>(block, first + i) | fifthBit<2>(block, first + i);
      values[i] = scaled(scale, code - 16);
    }
  }
};

struct Q51 {
  static constexpr int ELEMENTS = 32;
  static constexpr int BYTES = 24;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const float scale = halfAt(block);
    const float minimum = halfAt(block + 2);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int code = nibble<8>(block, first + i) | fifthBit<4>(block, first + i);
      values[i] = __fadd_rn(scaled(scale, code), minimum);
    }
  }
};

struct Q80 {
  static constexpr int ELEMENTS = 32;
  static constexpr int BYTES = 34;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const float scale = halfAt(block);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = scaled(scale, static_cast<signed char>(block[2 + first + i]));
    }
  }
};

// The K types: 256 elements, groups of 32 (or 16) with a scale of their own.
__device__ __forceinline__ int sixBitScale(Bytes packed, int group) {
  return group < 4 ? packed[group] & 63 : (packed[4 + group] & 15) | (packed[group - 4] >> 2 & 0x30);
}

__device__ __forceinline__ int sixBitMinimum(Bytes packed, int group) {
  return group < 4 ? packed[4 + group] & 63 : packed[4 + group] >> 4 | (packed[group] >> 2 & 0x30);
}

struct Q4K {
  static constexpr int ELEMENTS = 256;
  static constexpr int BYTES = 144;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const int group = first / 32;
    const float scale = scaled(halfAt(block), sixBitScale(block + 4, group));
    const float minimum = scaled(halfAt(block + 2), sixBitMinimum(block + 4, group));
    const Bytes codes = block + 16 + group / 2 * 32 + first % 32;
    const int shift = group % 2 * 4;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      values[i] = __fsub_rn(scaled(scale, codes[i] >> shift & 15), minimum);
    }
  }
};

struct Q5K {
  static constexpr int ELEMENTS = 256;
  static constexpr int BYTES = 176;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const int group = first / 32;
    const float scale = scaled(halfAt(block), sixBitScale(block + 4, group));
    const float minimum = scaled(halfAt(block + 2), sixBitMinimum(block + 4, group));
    const Bytes codes = block + 48 + group / 2 * 32 + first % 32;
    const Bytes fifthBits = block + 16 + first % 32;
    const int shift = group % 2 * 4;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int code = (codes[i] >> shift & 15) | (fifthBits[i] >> group & 1) << 4;
      values[i] = __fsub_rn(scaled(scale, code), minimum);
    }
  }
};

struct Q6K {
  static constexpr int ELEMENTS = 256;
  static constexpr int BYTES = 210;

  static __device__ __forceinline__ void eight(Bytes block, int first, float (&values)[8]) {
    const int run = first / 128;
    const int quarter = first / 32 % 4;
    const float scale =
        scaled(halfAt(block + 208), static_cast<signed char>(block[192 + first / 16]));
    const Bytes nibbles = block + run * 64 + quarter % 2 * 32 + first % 32;
    const Bytes highBits = block + 128 + run * 32 + first % 32;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int low = nibbles[i] >> (quarter / 2 * 4) & 15;
      const int high = highBits[i] >> (quarter * 2) & 3;
      values[i] = scaled(scale, (low | high << 4) - 32);
    }
  }
};

// Eight elements of rows laid end to end, of which the first is the one at i.
template <typename T>
__device__ __forceinline__ void put(
    const float (&values)[8], long long i, long long columns, long long rows, T* to,
    long long stride, bool wide) {
  const long long row = i / columns;
  if (!wide) {
    for (int k = 0; k < 8 && i + k < rows * columns; k++) {
      const long long at = (i + k) / columns;
      to[at * stride + (i + k - at * columns)] = rounded<T>(values[k]);
    }
    return;
  }
  T* target = to + row * stride + (i - row * columns);
  if constexpr (sizeof(T) == 4) {
    float4* fours = reinterpret_cast<float4*>(target);
    fours[0] = make_float4(values[0], values[1], values[2], values[3]);
    fours[1] = make_float4(values[4], values[5], values[6], values[7]);
  } else {
    store<T, 8>(target, values);
  }
}

__device__ __forceinline__ long long firstOfThread() {
  return (blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x) * 8;
}

template <typename Format, typename T>
__device__ __forceinline__ void dequantize(
    Bytes blocks, long long columns, long long rows, T* to, long long stride, bool wide) {
  const long long i = firstOfThread();
  if (i < rows * columns) {
    float values[8];
    const Bytes block = blocks + i / Format::ELEMENTS * Format::BYTES;
    Format::eight(block, static_cast<int>(i % Format::ELEMENTS), values);
    put(values, i, columns, rows, to, stride, wide);
  }
}

// 4-bit NormalFloat: blocks of 64 over rows laid end to end, the first of a pair in the high half
// of a byte. Scales are floats, or codes of 8 bits of which 256 share a magnitude.
struct NormalScales {
  const float* plain;
  Bytes codes;
  const float* magnitudes;
  const float* mean;
};

template <typename T>
__device__ __forceinline__ void dequantizeNormal(
    Bytes codes, const float* tables, NormalScales scales, long long columns, long long rows, T* to,
    long long stride, bool wide) {
  const long long i = firstOfThread();
  if (i >= rows * columns) {
    return;
  }
  const long long block = i / 64;
  const float scale =
      scales.plain != nullptr
          ? scales.plain[block]
          : __fadd_rn(
                __fmul_rn(tables[16 + scales.codes[block]], scales.magnitudes[block / 256]),
                *scales.mean);
  float values[8];
#pragma unroll
  for (int k = 0; k < 8; k += 2) {
    // The last byte of an odd number of elements is the last of all.
    const int pair = i + k < rows * columns ? codes[(i + k) / 2] : 0;
    values[k] = __fmul_rn(tables[pair >> 4], scale);
    values[k + 1] = __fmul_rn(tables[pair & 15], scale);
  }
  put(values, i, columns, rows, to, stride, wide);
}

extern "C" __global__ void dequantize_nf4_f32(
    Bytes codes, const float* tables, const float* scales, Bytes scaleCodes,
    const float* magnitudes, const float* mean, long long columns, long long rows, float* to,
    long long stride, int wide) {
  const NormalScales all = {scales, scaleCodes, magnitudes, mean};
  dequantizeNormal(codes, tables, all, columns, rows, to, stride, wide);
}

extern "C" __global__ void dequantize_nf4_bf16(
    Bytes codes, const float* tables, const float* scales, Bytes scaleCodes,
    const float* magnitudes, const float* mean, long long columns, long long rows, bf16* to,
    long long stride, int wide) {
  const NormalScales all = {scales, scaleCodes, magnitudes, mean};
  dequantizeNormal(codes, tables, all, columns, rows, to, stride, wide);
}

// E4M3: a value of the table for every code, and a scale for every row.
template <typename T>
__device__ __forceinline__ void dequantizeEightBits(
    Bytes codes, const float* table, const float* scales, long long columns, long long rows, T* to,
    long long stride, bool wide) {
  const long long i = firstOfThread();
  if (i >= rows * columns) {
    return;
  }
  float values[8];
  for (int k = 0; k < 8; k++) {
    const bool inside = i + k < rows * columns;
    values[k] = inside ? __fmul_rn(table[codes[i + k]], scales[(i + k) / columns]) : 0.0f;
  }
  put(values, i, columns, rows, to, stride, wide);
}

extern "C" __global__ void dequantize_e4m3_f32(
    Bytes codes, const float* table, const float* scales, long long columns, long long rows,
    float* to, long long stride, int wide) {
  dequantizeEightBits(codes, table, scales, columns, rows, to, stride, wide);
}

extern "C" __global__ void dequantize_e4m3_bf16(
    Bytes codes, const float* table, const float* scales, long long columns, long long rows,
    bf16* to, long long stride, int wide) {
  dequantizeEightBits(codes, table, scales, columns, rows, to, stride, wide);
}

#define DEQUANTIZE(NAME, FORMAT)                                                             \
  extern "C" __global__ void NAME##_f32(                                                     \
      Bytes blocks, long long columns, long long rows, float* to, long long stride,          \
      int wide) {                                                                            \
    dequantize<FORMAT, float>(blocks, columns, rows, to, stride, wide);                      \
  }                                                                                          \
  extern "C" __global__ void NAME##_bf16(                                                    \
      Bytes blocks, long long columns, long long rows, bf16* to, long long stride,           \
      int wide) {                                                                            \
    dequantize<FORMAT, bf16>(blocks, columns, rows, to, stride, wide);                       \
  }

DEQUANTIZE(dequantize_q4_0, Q40)
DEQUANTIZE(dequantize_q4_1, Q41)
DEQUANTIZE(dequantize_q5_0, Q50)
DEQUANTIZE(dequantize_q5_1, Q51)
DEQUANTIZE(dequantize_q8_0, Q80)
DEQUANTIZE(dequantize_q4_k, Q4K)
DEQUANTIZE(dequantize_q5_k, Q5K)
DEQUANTIZE(dequantize_q6_k, Q6K)
