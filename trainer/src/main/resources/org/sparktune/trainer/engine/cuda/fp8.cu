// 8-bit floating point (E4M3) for products on Hopper: rows are scaled so that the largest element
// of each becomes 448.
#include "packs.cuh"

constexpr float LARGEST = 448.0f;
constexpr int THREADS = 256;

// Two numbers to the nearest, beyond 448 to 448; the first in the lower half.
__device__ __forceinline__ unsigned eightBitPair(float first, float second) {
  unsigned short pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(second), "f"(first));
  return pair;
}

// A row a block, in packs of eight; columnScales (or null) multiply the columns first.
extern "C" __global__ void __launch_bounds__(THREADS) quantize_rows(
    const bf16* x, long long stride, const float* columnScales, int columns, unsigned char* out,
    float* scales) {
  __shared__ float partial[THREADS / 32];
  const bf16* row = x + blockIdx.x * stride;
  unsigned char* target = out + blockIdx.x * static_cast<long long>(columns);
  float largest = 0.0f;
  for (int i = threadIdx.x * 8; i < columns; i += THREADS * 8) {
    float values[8];
    load<bf16, 8>(row + i, values);
    float factors[8];
    if (columnScales != nullptr) {
      loadFloats<8>(columnScales + i, factors);
    }
#pragma unroll
    for (int k = 0; k < 8; k++) {
      largest = fmaxf(largest, fabsf(columnScales == nullptr ? values[k] : values[k] * factors[k]));
    }
  }
  largest = blockMax(largest, partial);
  const float scale = largest == 0.0f ? 1.0f : largest / LARGEST;
  const float inverse = 1.0f / scale;
  if (threadIdx.x == 0) {
    scales[blockIdx.x] = scale;
  }
  for (int i = threadIdx.x * 8; i < columns; i += THREADS * 8) {
    float values[8];
    load<bf16, 8>(row + i, values);
    if (columnScales != nullptr) {
      float factors[8];
      loadFloats<8>(columnScales + i, factors);
#pragma unroll
      for (int k = 0; k < 8; k++) {
        values[k] *= factors[k];
      }
    }
#pragma unroll
    for (int k = 0; k < 8; k++) {
      values[k] *= inverse;
    }
    *reinterpret_cast<uint2*>(target + i) = make_uint2(
        eightBitPair(values[0], values[1]) | eightBitPair(values[2], values[3]) << 16,
        eightBitPair(values[4], values[5]) | eightBitPair(values[6], values[7]) << 16);
  }
}

// out[column, row] = in[row, column], in tiles of 32 x 32 bytes by 32 x 8 threads.
extern "C" __global__ void __launch_bounds__(THREADS) transpose_bytes(
    const unsigned char* in, int rows, int columns, unsigned char* out) {
  __shared__ unsigned char tile[32][33];
  const int lane = threadIdx.x % 32;
  const int first = threadIdx.x / 32;
  const int column = blockIdx.x * 32 + lane;
  for (int i = first; i < 32; i += 8) {
    const int row = blockIdx.y * 32 + i;
    if (row < rows && column < columns) {
      tile[i][lane] = in[row * static_cast<long long>(columns) + column];
    }
  }
  __syncthreads();
  const int row = blockIdx.y * 32 + lane;
  for (int i = first; i < 32; i += 8) {
    const int target = blockIdx.x * 32 + i;
    if (row < rows && target < columns) {
      out[target * static_cast<long long>(rows) + row] = tile[lane][i];
    }
  }
}
