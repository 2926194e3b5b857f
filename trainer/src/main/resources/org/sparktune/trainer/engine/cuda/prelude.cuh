// What kernels share: bfloat16 without CUDA's headers, which a machine need not have, and sums in a
// fixed order.
#pragma once

struct bf16 {
  unsigned short bits;
};

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

__device__ __forceinline__ float number(float value) { return value; }

__device__ __forceinline__ float number(bf16 value) {
  return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}

template <typename T>
__device__ __forceinline__ T rounded(float value);

template <>
__device__ __forceinline__ float rounded<float>(float value) {
  return value;
}

// To the nearest, ties to even.
template <>
__device__ __forceinline__ bf16 rounded<bf16>(float value) {
  bf16 result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}

// 16 bytes of elements: one access of a thread.
template <typename T>
struct alignas(16) Pack {
  static constexpr int SIZE = 16 / sizeof(T);
  T values[SIZE];
};

// The sum over a warp's lanes, in every lane, always in the same order.
__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  return value;
}

__device__ __forceinline__ float warpMax(float value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
  }
  return value;
}

// The sum over a block of at most 1,024 threads, in every thread; partial holds a float a warp.
__device__ __forceinline__ float blockSum(float value, float* partial) {
  const int warp = threadIdx.x / 32;
  const int warps = (blockDim.x + 31) / 32;
  value = warpSum(value);
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    partial[warp] = value;
  }
  __syncthreads();
  const int lane = threadIdx.x % 32;
  return warpSum(lane < warps ? partial[lane] : 0.0f);
}

__device__ __forceinline__ float blockMax(float value, float* partial) {
  const int warp = threadIdx.x / 32;
  const int warps = (blockDim.x + 31) / 32;
  value = warpMax(value);
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    partial[warp] = value;
  }
  __syncthreads();
  const int lane = threadIdx.x % 32;
  return warpMax(lane < warps ? partial[lane] : partial[0]);
}
