// Operators on elements: sums, dropout, quotients, constants, and DoRA's norms of adapted rows.
#include "packs.cuh"

// y += x.
template <typename T, int WIDTH>
__device__ __forceinline__ void add(
    const T* x, long long xStride, T* y, long long yStride, long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float values[WIDTH];
  float sums[WIDTH];
  T* to = y + own.row * yStride + own.column;
  load<T, WIDTH>(x + own.row * xStride + own.column, values);
  load<T, WIDTH>(to, sums);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    sums[i] += values[i];
  }
  store<T, WIDTH>(to, sums);
}

// A number of 24 bits by the finalizer of SplitMix64 (Steele et al. 2014), for an index that was
// multiplied by GOLDEN.
#define GOLDEN 0x9E3779B97F4A7C15ull

__device__ __forceinline__ unsigned uniform(unsigned long long seed, unsigned long long multiple) {
  unsigned long long bits = seed + multiple;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9ull;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBull;
  bits ^= bits >> 31;
  return static_cast<unsigned>(bits >> 40);
}

// out = x · gain where an element is kept, its number being no less than the threshold, 0 where it
// is dropped (+ out).
template <typename T, int WIDTH>
__device__ __forceinline__ void dropout(
    const T* x, long long xStride, unsigned long long seed, unsigned threshold, float gain, T* out,
    long long outStride, bool accumulate, long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float values[WIDTH];
  load<T, WIDTH>(x + own.row * xStride + own.column, values);
  const unsigned long long first = own.row * columns + own.column + 1;
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    const bool kept = uniform(seed, first * GOLDEN + i * GOLDEN) >= threshold;
    values[i] = kept ? __fmul_rn(values[i], gain) : 0.0f;
  }
  T* to = out + own.row * outStride + own.column;
  if (accumulate) {
    float sums[WIDTH];
    load<T, WIDTH>(to, sums);
#pragma unroll
    for (int i = 0; i < WIDTH; i++) {
      values[i] = __fadd_rn(sums[i], values[i]);
    }
  }
  store<T, WIDTH>(to, values);
}

#define ELEMENTS(NAME, T)                                                                         \
  extern "C" __global__ void add_##NAME(                                                          \
      const T* x, long long xStride, T* y, long long yStride, long long rows, long long columns,  \
      int wide) {                                                                                 \
    if (wide) {                                                                                   \
      add<T, WIDE<T>>(x, xStride, y, yStride, rows, columns);                                     \
    } else {                                                                                      \
      add<T, 1>(x, xStride, y, yStride, rows, columns);                                           \
    }                                                                                             \
  }                                                                                               \
  extern "C" __global__ void dropout_##NAME(                                                      \
      const T* x, long long xStride, unsigned long long seed, unsigned threshold, float gain,     \
      T* out, long long outStride, int accumulate, long long rows, long long columns,             \
      int wide) {                                                                                 \
    if (wide) {                                                                                   \
      dropout<T, WIDE<T>>(                                                                        \
          x, xStride, seed, threshold, gain, out, outStride, accumulate, rows, columns);        \
    } else {                                                                                      \
      dropout<T, 1>(                                                                              \
          x, xStride, seed, threshold, gain, out, outStride, accumulate, rows, columns);        \
    }                                                                                             \
  }

ELEMENTS(f32, float)
ELEMENTS(bf16, bf16)

// out = a / b (+ out).
extern "C" __global__ void divide(
    const float* a, const float* b, float* out, int accumulate, long long size) {
  const long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  if (i < size) {
    const float quotient = __fdiv_rn(a[i], b[i]);
    out[i] = accumulate ? __fadd_rn(out[i], quotient) : quotient;
  }
}

extern "C" __global__ void fill(
    float* to, long long stride, float value, long long rows, long long columns) {
  Place own;
  if (place(rows, columns, 1, own)) {
    to[own.row * stride + own.column] = value;
  }
}

// norms[o] = √(‖w‖² + 2s·b·(A·w) + s²·b·(A·Aᵀ)·bᵀ) in double precision, a warp a row: its lanes
// share the outer sum.
extern "C" __global__ void __launch_bounds__(256) adapted_row_norms(
    const float* rowSquares, const float* up, long long upStride, const float* downWeight,
    long long downWeightStride, const float* downDown, long long downDownStride, float scale,
    float* norms, long long rows, int rank) {
  const long long row = blockIdx.x * static_cast<long long>(blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) {
    return;
  }
  const float* factors = up + row * upStride;
  double cross = 0.0;
  double square = 0.0;
  for (int i = threadIdx.x % 32; i < rank; i += 32) {
    const double left = factors[i];
    cross += left * downWeight[i * downWeightStride + row];
    double inner = 0.0;
    for (int j = 0; j < rank; j++) {
      inner += static_cast<double>(factors[j]) * downDown[i * downDownStride + j];
    }
    square += left * inner;
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    cross += __shfl_xor_sync(0xffffffffu, cross, offset);
    square += __shfl_xor_sync(0xffffffffu, square, offset);
  }
  if (threadIdx.x % 32 == 0) {
    const double s = scale;
    norms[row] = static_cast<float>(sqrt(rowSquares[row] + 2.0 * s * cross + s * s * square));
  }
}
