// Elements that a thread reads and writes at once: 16 bytes where rows allow it (WIDTH is then
// WIDE<T>), else one (WIDTH is 1). Arithmetic is in float, whatever the type of storage.
#include "prelude.cuh"

struct f16 {
  unsigned short bits;
};

__device__ __forceinline__ float number(f16 value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}

template <typename T>
constexpr int WIDE = 16 / sizeof(T);

// What lies in memory, as it lies there.
template <typename T, int WIDTH>
struct Raw {
  uint4 bits;
};

template <typename T>
struct Raw<T, 1> {
  T bits;
};

template <typename T, int WIDTH>
__device__ __forceinline__ Raw<T, WIDTH> raw(const T* from) {
  return *reinterpret_cast<const Raw<T, WIDTH>*>(from);
}

template <typename T, int WIDTH>
__device__ __forceinline__ void unpack(const Raw<T, WIDTH>& raw, float (&values)[WIDTH]) {
  if constexpr (WIDTH == 1) {
    values[0] = number(raw.bits);
  } else {
    const unsigned words[4] = {raw.bits.x, raw.bits.y, raw.bits.z, raw.bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if constexpr (sizeof(T) == 4) {
        values[i] = __uint_as_float(words[i]);
      } else {
        values[2 * i] = __uint_as_float(words[i] << 16);
        values[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
      }
    }
  }
}

template <typename T, int WIDTH>
__device__ __forceinline__ void load(const T* from, float (&values)[WIDTH]) {
  unpack<T, WIDTH>(raw<T, WIDTH>(from), values);
}

// So many neighbouring floats, such as weights of columns.
template <int WIDTH>
__device__ __forceinline__ void loadFloats(const float* from, float (&values)[WIDTH]) {
  if constexpr (WIDTH == 1) {
    values[0] = *from;
  } else {
#pragma unroll
    for (int i = 0; i < WIDTH; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(from + i);
      values[i] = four.x;
      values[i + 1] = four.y;
      values[i + 2] = four.z;
      values[i + 3] = four.w;
    }
  }
}

// Two numbers to the nearest, ties to even; the first in the lower half.
__device__ __forceinline__ unsigned roundedPair(float first, float second) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

template <typename T, int WIDTH>
__device__ __forceinline__ void store(T* to, const float (&values)[WIDTH]) {
  if constexpr (WIDTH == 1) {
    *to = rounded<T>(values[0]);
  } else if constexpr (sizeof(T) == 4) {
    *reinterpret_cast<float4*>(to) = make_float4(values[0], values[1], values[2], values[3]);
  } else {
    *reinterpret_cast<uint4*>(to) = make_uint4(
        roundedPair(values[0], values[1]),
        roundedPair(values[2], values[3]),
        roundedPair(values[4], values[5]),
        roundedPair(values[6], values[7]));
  }
}

// Where a thread's elements lie when a launch has a thread for every WIDTH elements of (rows,
// columns).
struct Place {
  long long row;
  long long column;
};

__device__ __forceinline__ bool place(long long rows, long long columns, int width, Place& result) {
  const long long perRow = columns / width;
  const long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  result.row = i / perRow;
  result.column = (i - result.row * perRow) * width;
  return result.row < rows;
}
