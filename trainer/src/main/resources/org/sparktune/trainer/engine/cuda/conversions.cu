// Copies between element types, and the bias of a product whose result has another type than its
// operands.
#include "packs.cuh"

// Eight neighbouring numbers, 16 or 32 bytes.
template <typename From>
__device__ __forceinline__ void loadEight(const From* from, float (&values)[8]) {
  if constexpr (sizeof(From) == 4) {
    loadFloats(from, values);
  } else {
    const uint4 bits = *reinterpret_cast<const uint4*>(from);
    const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      values[2 * i] = number(From{static_cast<unsigned short>(words[i] & 0xffffu)});
      values[2 * i + 1] = number(From{static_cast<unsigned short>(words[i] >> 16)});
    }
  }
}

template <typename To>
__device__ __forceinline__ void storeEight(To* to, const float (&values)[8]) {
  if constexpr (sizeof(To) == 4) {
    float4* fours = reinterpret_cast<float4*>(to);
    fours[0] = make_float4(values[0], values[1], values[2], values[3]);
    fours[1] = make_float4(values[4], values[5], values[6], values[7]);
  } else {
    store<To, 8>(to, values);
  }
}

template <typename From, typename To>
__device__ __forceinline__ void convert(
    const From* from, long long fromStride, To* to, long long toStride, long long rows,
    long long columns, bool wide) {
  Place own;
  if (!place(rows, columns, wide ? 8 : 1, own)) {
    return;
  }
  from += own.row * fromStride + own.column;
  to += own.row * toStride + own.column;
  if (wide) {
    float values[8];
    loadEight(from, values);
    storeEight(to, values);
  } else {
    *to = rounded<To>(number(*from));
  }
}

#define CONVERT(NAME, FROM, TO)                                                               \
  extern "C" __global__ void NAME(                                                            \
      const FROM* from, long long fromStride, TO* to, long long toStride, long long rows,     \
      long long columns, int wide) {                                                          \
    convert<FROM, TO>(from, fromStride, to, toStride, rows, columns, wide);                   \
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
