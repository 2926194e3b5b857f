// Rows chosen by index: embeddings and their gradient, gathering, scattering, and the greatest
// element of each row.
#include "packs.cuh"

// out[n] = table[ids[n]].
template <typename From, typename To, int WIDTH>
__device__ __forceinline__ void gather(
    const From* table, long long tableStride, const int* ids, To* out, long long outStride,
    long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float values[WIDTH];
  load<From, WIDTH>(table + ids[own.row] * tableStride + own.column, values);
  store<To, WIDTH>(out + own.row * outStride + own.column, values);
}

#define GATHER(NAME, FROM, TO)                                                                    \
  extern "C" __global__ void NAME(                                                                \
      const FROM* table, long long tableStride, const int* ids, TO* out, long long outStride,     \
      long long rows, long long columns, int wide) {                                              \
    if constexpr (sizeof(FROM) == sizeof(TO)) {                                                   \
      if (wide) {                                                                                 \
        gather<FROM, TO, WIDE<TO>>(table, tableStride, ids, out, outStride, rows, columns);       \
        return;                                                                                   \
      }                                                                                           \
    }                                                                                             \
    gather<FROM, TO, 1>(table, tableStride, ids, out, outStride, rows, columns);                  \
  }

GATHER(gather_f32_f32, float, float)
GATHER(gather_bf16_bf16, bf16, bf16)
GATHER(gather_f32_bf16, float, bf16)
GATHER(gather_bf16_f32, bf16, float)
GATHER(gather_f16_f32, f16, float)

extern "C" __global__ void gather_f16_bf16(
    const f16* table, long long tableStride, const int* ids, bf16* out, long long outStride,
    long long rows, long long columns, int wide) {
  gather<f16, bf16, 1>(table, tableStride, ids, out, outStride, rows, columns);
}

// out[ids[n]] = x[n].
template <typename T, int WIDTH>
__device__ __forceinline__ void scatter(
    const T* x, long long xStride, const int* ids, T* out, long long outStride, long long rows,
    long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float values[WIDTH];
  load<T, WIDTH>(x + own.row * xStride + own.column, values);
  store<T, WIDTH>(out + ids[own.row] * outStride + own.column, values);
}

#define SCATTER(NAME, T)                                                                          \
  extern "C" __global__ void scatter_##NAME(                                                      \
      const T* x, long long xStride, const int* ids, T* out, long long outStride,                 \
      long long rows, long long columns, int wide) {                                              \
    if (wide) {                                                                                   \
      scatter<T, WIDE<T>>(x, xStride, ids, out, outStride, rows, columns);                        \
    } else {                                                                                      \
      scatter<T, 1>(x, xStride, ids, out, outStride, rows, columns);                              \
    }                                                                                             \
  }

SCATTER(f32, float)
SCATTER(bf16, bf16)

// A row of the table for each block in y, a column for each thread in x: the rows of x that belong
// to an id lie in order[starts[i]] to order[starts[i + 1] - 1], and are added in that order.
template <typename T>
__device__ __forceinline__ void addRows(
    const T* x, long long xStride, const int* ids, const int* starts, const int* order,
    float* table, long long tableStride, int columns) {
  const int column = blockIdx.y * blockDim.x + threadIdx.x;
  if (column >= columns) {
    return;
  }
  const int first = starts[blockIdx.x];
  const int last = starts[blockIdx.x + 1];
  float* element = table + ids[blockIdx.x] * tableStride + column;
  float sum = *element;
  int i = first;
  // Several rows are on their way at a time; the sums are made one after the other.
  for (; i + 8 <= last; i += 8) {
    float terms[8];
#pragma unroll
    for (int j = 0; j < 8; j++) {
      terms[j] = number(x[order[i + j] * xStride + column]);
    }
#pragma unroll
    for (int j = 0; j < 8; j++) {
      sum += terms[j];
    }
  }
  for (; i < last; i++) {
    sum += number(x[order[i] * xStride + column]);
  }
  *element = sum;
}

extern "C" __global__ void add_rows_f32(
    const float* x, long long xStride, const int* ids, const int* starts, const int* order,
    float* table, long long tableStride, int columns) {
  addRows(x, xStride, ids, starts, order, table, tableStride, columns);
}

extern "C" __global__ void add_rows_bf16(
    const bf16* x, long long xStride, const int* ids, const int* starts, const int* order,
    float* table, long long tableStride, int columns) {
  addRows(x, xStride, ids, starts, order, table, tableStride, columns);
}

struct Candidate {
  float value;
  int column;
};

__device__ __forceinline__ Candidate greater(Candidate a, Candidate b) {
  const bool second = b.value > a.value || (b.value == a.value && b.column < a.column);
  return second ? b : a;
}

__device__ __forceinline__ Candidate greatestOfWarp(Candidate own) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    const Candidate other = {
        __shfl_xor_sync(0xffffffffu, own.value, offset),
        __shfl_xor_sync(0xffffffffu, own.column, offset)};
    own = greater(own, other);
  }
  return own;
}

// The column of each row's greatest number, the first of equals: a block a row.
extern "C" __global__ void __launch_bounds__(1024) greatest_columns(
    const float* x, long long stride, int columns, int* result) {
  __shared__ Candidate partial[32];
  const float* row = x + blockIdx.x * stride;
  // A row of nothing but numbers that compare with none has column 0.
  Candidate own = {-INFINITY, static_cast<int>(threadIdx.x) < columns ? static_cast<int>(threadIdx.x) : 0};
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    const float value = row[i];
    if (value > own.value) {
      own = {value, i};
    }
  }
  own = greatestOfWarp(own);
  if (threadIdx.x % 32 == 0) {
    partial[threadIdx.x / 32] = own;
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    const int warps = blockDim.x / 32;
    own = greatestOfWarp(threadIdx.x < warps ? partial[threadIdx.x] : partial[0]);
    if (threadIdx.x == 0) {
      result[blockIdx.x] = own.column;
    }
  }
}
