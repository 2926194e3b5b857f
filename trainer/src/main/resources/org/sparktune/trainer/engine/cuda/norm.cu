// Root-mean-square norms (Zhang and Sennrich 2019) of rows, and their gradients. A row is held in
// registers between the sum and its use: by one warp where it fits, else by a block. What does not
// fit is read twice.
#include "packs.cuh"

// Which row a thread works for, and with how many others.
struct Team {
  long long row;
  int lane;
  int lanes;
};

__device__ __forceinline__ Team team(bool warpForRow) {
  if (warpForRow) {
    const long long warps = blockDim.x / 32;
    return {blockIdx.x * warps + threadIdx.x / 32, static_cast<int>(threadIdx.x % 32), 32};
  }
  return {blockIdx.x, static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)};
}

__device__ __forceinline__ float teamSum(bool warpForRow, float value) {
  __shared__ float partial[32];
  return warpForRow ? warpSum(value) : blockSum(value, partial);
}

template <int WIDTH>
__device__ __forceinline__ void addSquares(const float (&values)[WIDTH], float& sum) {
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    sum += values[i] * values[i];
  }
}

template <typename T, int WIDTH>
__device__ __forceinline__ void writeNormed(
    float (&values)[WIDTH], float inverse, const float* weight, T* out) {
  float factors[WIDTH];
  loadFloats(weight, factors);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    values[i] = values[i] * inverse * factors[i];
  }
  store<T, WIDTH>(out, values);
}

// out = x / sqrt(mean(x²) + epsilon) · weight; COUNT is how many packs a thread holds.
template <typename T, int WIDTH, int COUNT>
__device__ __forceinline__ void rmsNorm(
    const T* x, long long xStride, const float* weight, float epsilon, T* out, long long outStride,
    float* inverseRms, long long rows, int columns, bool warpForRow) {
  const Team own = team(warpForRow);
  if (own.row >= rows) {
    return;
  }
  const T* from = x + own.row * xStride;
  T* to = out + own.row * outStride;
  const int step = own.lanes * WIDTH;
  const int first = own.lane * WIDTH;
  Raw<T, WIDTH> held[COUNT];
  float values[WIDTH];
  float squares = 0.0f;
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    if (first + j * step < columns) {
      held[j] = raw<T, WIDTH>(from + first + j * step);
    }
  }
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    if (first + j * step < columns) {
      unpack(held[j], values);
      addSquares(values, squares);
    }
  }
  for (int i = first + COUNT * step; i < columns; i += step) {
    load<T, WIDTH>(from + i, values);
    addSquares(values, squares);
  }
  const float inverse = 1.0f / sqrtf(teamSum(warpForRow, squares) / columns + epsilon);
  if (own.lane == 0) {
    inverseRms[own.row] = inverse;
  }
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    const int i = first + j * step;
    if (i < columns) {
      unpack(held[j], values);
      writeNormed<T, WIDTH>(values, inverse, weight + i, to + i);
    }
  }
  for (int i = first + COUNT * step; i < columns; i += step) {
    load<T, WIDTH>(from + i, values);
    writeNormed<T, WIDTH>(values, inverse, weight + i, to + i);
  }
}

// Leaves d · weight in d and adds Σ d · weight · x.
template <int WIDTH>
__device__ __forceinline__ void addProducts(
    float (&d)[WIDTH], const float (&x)[WIDTH], const float* weight, float& sum) {
  float factors[WIDTH];
  loadFloats(weight, factors);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    d[i] *= factors[i];
    sum += d[i] * x[i];
  }
}

template <typename T, int WIDTH>
__device__ __forceinline__ void writeGradient(
    const float (&d)[WIDTH], const float (&x)[WIDTH], const float* weight, float factor,
    float inverse, const Raw<T, WIDTH>& before, T* dx, bool accumulate) {
  float factors[WIDTH];
  float values[WIDTH];
  loadFloats(weight, factors);
  if (accumulate) {
    unpack(before, values);
  }
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    const float value = (d[i] * factors[i] - x[i] * factor) * inverse;
    values[i] = accumulate ? values[i] + value : value;
  }
  store<T, WIDTH>(dx, values);
}

// dx = inverse · (dOut · weight − x̂ · mean(dOut · weight · x̂)) (+ dx), x̂ = x · inverse.
template <typename T, int WIDTH, int COUNT>
__device__ __forceinline__ void rmsNormGradient(
    const T* dOut, long long dOutStride, const T* x, long long xStride, const float* weight,
    const float* inverseRms, T* dx, long long dxStride, bool accumulate, long long rows,
    int columns, bool warpForRow) {
  const Team own = team(warpForRow);
  if (own.row >= rows) {
    return;
  }
  const T* upstream = dOut + own.row * dOutStride;
  const T* from = x + own.row * xStride;
  T* to = dx + own.row * dxStride;
  const float inverse = inverseRms[own.row];
  const int step = own.lanes * WIDTH;
  const int first = own.lane * WIDTH;
  Raw<T, WIDTH> heldUpstream[COUNT];
  Raw<T, WIDTH> held[COUNT];
  Raw<T, WIDTH> before[COUNT];
  float d[WIDTH];
  float values[WIDTH];
  float sum = 0.0f;
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    if (first + j * step < columns) {
      heldUpstream[j] = raw<T, WIDTH>(upstream + first + j * step);
      held[j] = raw<T, WIDTH>(from + first + j * step);
      if (accumulate) {
        before[j] = raw<T, WIDTH>(to + first + j * step);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    if (first + j * step < columns) {
      unpack(heldUpstream[j], d);
      unpack(held[j], values);
      addProducts(d, values, weight + first + j * step, sum);
    }
  }
  for (int i = first + COUNT * step; i < columns; i += step) {
    load<T, WIDTH>(upstream + i, d);
    load<T, WIDTH>(from + i, values);
    addProducts(d, values, weight + i, sum);
  }
  const float mean = teamSum(warpForRow, sum) * inverse / columns;
  const float factor = mean * inverse;
#pragma unroll
  for (int j = 0; j < COUNT; j++) {
    const int i = first + j * step;
    if (i < columns) {
      unpack(heldUpstream[j], d);
      unpack(held[j], values);
      writeGradient<T, WIDTH>(
          d, values, weight + i, factor, inverse, before[j], to + i, accumulate);
    }
  }
  for (int i = first + COUNT * step; i < columns; i += step) {
    load<T, WIDTH>(upstream + i, d);
    load<T, WIDTH>(from + i, values);
    const Raw<T, WIDTH> last = accumulate ? raw<T, WIDTH>(to + i) : Raw<T, WIDTH>{};
    writeGradient<T, WIDTH>(d, values, weight + i, factor, inverse, last, to + i, accumulate);
  }
}

#define NORM(NAME, T, COUNT, THREADS)                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_##NAME##_##COUNT(                \
      const T* x, long long xStride, const float* weight, float epsilon, T* out,                  \
      long long outStride, float* inverseRms, long long rows, int columns, int wide,              \
      int warpForRow) {                                                                           \
    if (wide) {                                                                                   \
      rmsNorm<T, WIDE<T>, COUNT>(                                                                 \
          x, xStride, weight, epsilon, out, outStride, inverseRms, rows, columns, warpForRow);    \
    } else {                                                                                      \
      rmsNorm<T, 1, COUNT>(                                                                       \
          x, xStride, weight, epsilon, out, outStride, inverseRms, rows, columns, warpForRow);    \
    }                                                                                             \
  }

#define NORM_GRADIENT(NAME, T, COUNT, THREADS)                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_gradient_##NAME##_##COUNT(       \
      const T* dOut, long long dOutStride, const T* x, long long xStride, const float* weight,    \
      const float* inverseRms, T* dx, long long dxStride, int accumulate, long long rows,         \
      int columns, int wide, int warpForRow) {                                                    \
    if (wide) {                                                                                   \
      rmsNormGradient<T, WIDE<T>, COUNT>(                                                         \
          dOut, dOutStride, x, xStride, weight, inverseRms, dx, dxStride, accumulate, rows,       \
          columns, warpForRow);                                                                   \
    } else {                                                                                      \
      rmsNormGradient<T, 1, COUNT>(                                                               \
          dOut, dOutStride, x, xStride, weight, inverseRms, dx, dxStride, accumulate, rows,       \
          columns, warpForRow);                                                                   \
    }                                                                                             \
  }

NORM(f32, float, 1, 128)
NORM(f32, float, 2, 128)
NORM(f32, float, 4, 512)
NORM(f32, float, 8, 128)
NORM(bf16, bf16, 1, 128)
NORM(bf16, bf16, 2, 128)
NORM(bf16, bf16, 4, 512)
NORM(bf16, bf16, 8, 128)

// The gradient holds three tensors' packs, so fewer of each.
NORM_GRADIENT(f32, float, 1, 128)
NORM_GRADIENT(f32, float, 2, 128)
NORM_GRADIENT(f32, float, 4, 512)
NORM_GRADIENT(bf16, bf16, 1, 128)
NORM_GRADIENT(bf16, bf16, 2, 128)
NORM_GRADIENT(bf16, bf16, 4, 512)
