// What thin factors add to a linear module, laid down behind its operands so that one product makes
// the sum: [x, t] · [W, s·B]ᵀ and [dy, d] · [W; A].
#include "prelude.cuh"

// Columns and rows behind the operands' own.
#define EXTENSION 64
#define MOST_FACTORS 4

// Behind every row of x: the rows of up to four tensors side by side, then zeros.
extern "C" __global__ void extend_rows(
    bf16* behind, long long stride, int rows, const bf16* t0, long long stride0, int columns0,
    const bf16* t1, long long stride1, int columns1, const bf16* t2, long long stride2,
    int columns2, const bf16* t3, long long stride3, int columns3) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const long long row = i / EXTENSION;
  const int column = i % EXTENSION;
  if (row >= rows) {
    return;
  }
  const bf16* parts[MOST_FACTORS] = {t0, t1, t2, t3};
  const long long strides[MOST_FACTORS] = {stride0, stride1, stride2, stride3};
  const int columns[MOST_FACTORS] = {columns0, columns1, columns2, columns3};
  bf16 value = {0};
  int first = 0;
#pragma unroll
  for (int part = 0; part < MOST_FACTORS; part++) {
    if (column >= first && column < first + columns[part]) {
      value = parts[part][row * strides[part] + column - first];
    }
    first += columns[part];
  }
  behind[row * stride + column] = value;
}

struct Up {
  const float* values;
  long long stride;
  int rank;
  int firstRow;
  int rows;
  float scale;
};

// The i-th element behind the rows of a weight.
__device__ __forceinline__ void extendWeight(
    bf16* behind, long long stride, int rows, int i, const Up (&ups)[MOST_FACTORS]) {
  const int row = i / EXTENSION;
  const int column = i % EXTENSION;
  if (row >= rows) {
    return;
  }
  float value = 0.0f;
  int first = 0;
#pragma unroll
  for (int part = 0; part < MOST_FACTORS; part++) {
    const Up& up = ups[part];
    const int inner = row - up.firstRow;
    if (column >= first && column < first + up.rank && inner >= 0 && inner < up.rows) {
      value = up.scale * up.values[inner * up.stride + column - first];
    }
    first += up.rank;
  }
  behind[row * stride + column] = rounded<bf16>(value);
}

// Behind every row of a weight: s·B of the factors that add to this row's output, each in its own
// columns, zeros elsewhere.
extern "C" __global__ void extend_weight_columns(
    bf16* behind, long long stride, int rows, const float* b0, long long stride0, int rank0,
    int first0, int rows0, float scale0, const float* b1, long long stride1, int rank1, int first1,
    int rows1, float scale1, const float* b2, long long stride2, int rank2, int first2, int rows2,
    float scale2, const float* b3, long long stride3, int rank3, int first3, int rows3,
    float scale3) {
  const Up ups[MOST_FACTORS] = {
      {b0, stride0, rank0, first0, rows0, scale0},
      {b1, stride1, rank1, first1, rows1, scale1},
      {b2, stride2, rank2, first2, rows2, scale2},
      {b3, stride3, rank3, first3, rows3, scale3}};
  extendWeight(behind, stride, rows, blockIdx.x * blockDim.x + threadIdx.x, ups);
}

// Columns of t that a block makes of one row.
#define REDUCED 8
#define REDUCING_WARPS 8

// REDUCED columns of t = x·Aᵀ of one row, A rounded to bf16: into t, and behind the row of x, where
// zeros follow them.
__device__ __forceinline__ void reduceRow(
    bf16* x, int columns, const float* down, long long downStride, int rank, bf16* reduced,
    int first) {
  constexpr int SIZE = Pack<bf16>::SIZE;
  __shared__ float partial[REDUCING_WARPS][REDUCED];
  float sums[REDUCED] = {};
  for (int at = threadIdx.x * SIZE; at < columns; at += blockDim.x * SIZE) {
    const Pack<bf16> inputs = *reinterpret_cast<const Pack<bf16>*>(x + at);
#pragma unroll
    for (int i = 0; i < REDUCED; i++) {
      if (first + i < rank) {
        const float* a = down + (first + i) * downStride + at;
        const Pack<float> low = *reinterpret_cast<const Pack<float>*>(a);
        const Pack<float> high = *reinterpret_cast<const Pack<float>*>(a + SIZE / 2);
#pragma unroll
        for (int k = 0; k < SIZE / 2; k++) {
          const float lower = number(rounded<bf16>(low.values[k]));
          const float upper = number(rounded<bf16>(high.values[k]));
          sums[i] = fmaf(number(inputs.values[k]), lower, sums[i]);
          sums[i] = fmaf(number(inputs.values[k + SIZE / 2]), upper, sums[i]);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < REDUCED; i++) {
    sums[i] = warpSum(sums[i]);
    if (threadIdx.x % 32 == 0) {
      partial[threadIdx.x / 32][i] = sums[i];
    }
  }
  __syncthreads();
  if (threadIdx.x < REDUCED) {
    float sum = 0.0f;
#pragma unroll
    for (int warp = 0; warp < REDUCING_WARPS; warp++) {
      sum += partial[warp][threadIdx.x];
    }
    const int column = first + threadIdx.x;
    const bf16 value = rounded<bf16>(sum);
    x[columns + column] = value;
    if (column < rank) {
      reduced[column] = value;
    }
  }
}

// For few rows, whose launches cost more than their work: what the A factors make of x and both
// operands' extensions at once. The first blocks make t, the others lay down s·B.
extern "C" __global__ void __launch_bounds__(256) reduce_and_extend(
    bf16* x, long long xStride, int columns, const float* down, long long downStride, int rank,
    bf16* reduced, long long reducedStride, int reducingBlocks,
    bf16* behind, long long stride, int rows, const float* b0, long long stride0, int rank0,
    int first0, int rows0, float scale0, const float* b1, long long stride1, int rank1, int first1,
    int rows1, float scale1, const float* b2, long long stride2, int rank2, int first2, int rows2,
    float scale2, const float* b3, long long stride3, int rank3, int first3, int rows3,
    float scale3) {
  if (blockIdx.x < reducingBlocks) {
    const long long row = blockIdx.x / (EXTENSION / REDUCED);
    const int first = blockIdx.x % (EXTENSION / REDUCED) * REDUCED;
    reduceRow(
        x + row * xStride, columns, down, downStride, rank, reduced + row * reducedStride, first);
    return;
  }
  const Up ups[MOST_FACTORS] = {
      {b0, stride0, rank0, first0, rows0, scale0},
      {b1, stride1, rank1, first1, rows1, scale1},
      {b2, stride2, rank2, first2, rows2, scale2},
      {b3, stride3, rank3, first3, rows3, scale3}};
  const int block = blockIdx.x - reducingBlocks;
  extendWeight(behind, stride, rows, block * blockDim.x + threadIdx.x, ups);
}

// Below a weight: the rows of A, then zeros.
extern "C" __global__ void extend_weight_rows(
    bf16* below, long long stride, int columns, const float* down, long long downStride,
    int rank) {
  const long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  const int row = static_cast<int>(i / columns);
  const int column = static_cast<int>(i % columns);
  if (row < EXTENSION) {
    const float value = row < rank ? down[row * downStride + column] : 0.0f;
    below[row * stride + column] = rounded<bf16>(value);
  }
}
