// Copies between element types, and the bias of a product whose result has another type than its
// operands.
#include "prelude.cuh"

struct f16 {
  unsigned short bits;
};

__device__ __forceinline__ float number(f16 value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}

template <typename From, typename To>
__device__ __forceinline__ void convert(
    const From* from, long long fromStride, To* to, long long toStride, long long rows,
    long long columns) {
  const long long size = rows * columns;
  const long long step = static_cast<long long>(gridDim.x) * blockDim.x;
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < size;
       i += step) {
    const long long row = i / columns;
    const long long column = i - row * columns;
    to[row * toStride + column] = rounded<To>(number(from[row * fromStride + column]));
  }
}

#define CONVERT(NAME, FROM, TO)                                                               \
  extern "C" __global__ void NAME(                                                            \
      const FROM* from, long long fromStride, TO* to, long long toStride, long long rows,     \
      long long columns) {                                                                    \
    convert<FROM, TO>(from, fromStride, to, toStride, rows, columns);                         \
  }

CONVERT(convert_f32_bf16, float, bf16)
CONVERT(convert_f32_f32, float, float)
CONVERT(convert_bf16_f32, bf16, float)
CONVERT(convert_bf16_bf16, bf16, bf16)
CONVERT(convert_f16_f32, f16, float)
CONVERT(convert_f16_bf16, f16, bf16)

template <typename T>
__device__ __forceinline__ void addBias(
    const float* bias, T* y, long long stride, long long rows, long long columns) {
  const long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  if (i < rows * columns) {
    const long long row = i / columns;
    const long long column = i - row * columns;
    T* element = y + row * stride + column;
    *element = rounded<T>(number(*element) + bias[column]);
  }
}

extern "C" __global__ void add_bias_f32(
    const float* bias, float* y, long long stride, long long rows, long long columns) {
  addBias(bias, y, stride, rows, columns);
}

extern "C" __global__ void add_bias_bf16(
    const float* bias, bf16* y, long long stride, long long rows, long long columns) {
  addBias(bias, y, stride, rows, columns);
}
