// Rotates the two halves of every head by its position's angles, in place (Su et al. 2021): a
// thread for every pack of the first halves.
#include "packs.cuh"

template <typename T, int WIDTH>
__device__ __forceinline__ void rope(
    T* x, long long stride, const float* cosines, long long cosinesStride, const float* sines,
    long long sinesStride, const int* positions, long long rows, long long heads, int headSize,
    float sign) {
  const int half = headSize / 2;
  Place own;
  if (!place(rows, heads * half, WIDTH, own)) {
    return;
  }
  const long long head = own.column / half;
  const long long within = own.column - head * half;
  T* low = x + own.row * stride + head * headSize + within;
  T* high = low + half;
  const long long position = positions[own.row];
  float a[WIDTH];
  float b[WIDTH];
  float cosine[WIDTH];
  float sine[WIDTH];
  load<T, WIDTH>(low, a);
  load<T, WIDTH>(high, b);
  loadFloats(cosines + position * cosinesStride + within, cosine);
  loadFloats(sines + position * sinesStride + within, sine);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    const float s = sine[i] * sign;
    const float first = a[i];
    a[i] = first * cosine[i] - b[i] * s;
    b[i] = b[i] * cosine[i] + first * s;
  }
  store<T, WIDTH>(low, a);
  store<T, WIDTH>(high, b);
}

#define ROPE(NAME, T)                                                                             \
  extern "C" __global__ void rope_##NAME(                                                         \
      T* x, long long stride, const float* cosines, long long cosinesStride, const float* sines,  \
      long long sinesStride, const int* positions, long long rows, long long heads,               \
      int headSize, float sign, int wide) {                                                       \
    if (wide) {                                                                                   \
      rope<T, WIDE<T>>(                                                                           \
          x, stride, cosines, cosinesStride, sines, sinesStride, positions, rows, heads,          \
          headSize, sign);                                                                        \
    } else {                                                                                      \
      rope<T, 1>(                                                                                 \
          x, stride, cosines, cosinesStride, sines, sinesStride, positions, rows, heads,          \
          headSize, sign);                                                                        \
    }                                                                                             \
  }

ROPE(f32, float)
ROPE(bf16, bf16)
