// Operators that treat every column by itself. Sums over rows are made of pieces of a fixed number
// of rows, then of the pieces in a fixed order.
#include "packs.cuh"

#define PIECE_ROWS 64
#define LANES 8

// What is summed.
enum Term { ELEMENT, PRODUCT, SCALED_PRODUCT };

// A block sums PIECE_ROWS rows of 32 packs of columns: its lanes every LANES-th row, then thread by
// thread the lanes.
template <typename T, int WIDTH, Term TERM>
__device__ __forceinline__ void sumPiece(
    const T* a, long long aStride, const T* b, long long bStride, const float* rowScales,
    long long rows, int columns, float* partials) {
  __shared__ float ofLanes[LANES][32 * WIDE<bf16>];
  const int pack = threadIdx.x % 32;
  const int lane = threadIdx.x / 32;
  const int blockColumn = blockIdx.y * 32 * WIDTH;
  const int column = blockColumn + pack * WIDTH;
  const long long first = blockIdx.x * static_cast<long long>(PIECE_ROWS);
  float sums[WIDTH];
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    sums[i] = 0.0f;
  }
  if (column < columns) {
#pragma unroll 4
    for (int j = lane; j < PIECE_ROWS; j += LANES) {
      const long long row = first + j;
      if (row >= rows) {
        break;
      }
      float left[WIDTH];
      load<T, WIDTH>(a + row * aStride + column, left);
      if constexpr (TERM == ELEMENT) {
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
          sums[i] += left[i];
        }
      } else {
        float right[WIDTH];
        load<T, WIDTH>(b + row * bStride + column, right);
        const float scale = TERM == SCALED_PRODUCT ? rowScales[row] : 1.0f;
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
          sums[i] += left[i] * right[i] * scale;
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    ofLanes[lane][pack * WIDTH + i] = sums[i];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 32 * WIDTH && blockColumn + i < columns; i += blockDim.x) {
    float sum = 0.0f;
#pragma unroll
    for (int other = 0; other < LANES; other++) {
      sum += ofLanes[other][i];
    }
    partials[blockIdx.x * static_cast<long long>(columns) + blockColumn + i] = sum;
  }
}

#define SUMS(NAME, T)                                                                             \
  extern "C" __global__ void __launch_bounds__(32 * LANES) sum_columns_##NAME(                    \
      const T* a, long long aStride, long long rows, int columns, float* partials, int wide) {    \
    if (wide) {                                                                                   \
      sumPiece<T, WIDE<T>, ELEMENT>(a, aStride, a, 0, nullptr, rows, columns, partials);          \
    } else {                                                                                      \
      sumPiece<T, 1, ELEMENT>(a, aStride, a, 0, nullptr, rows, columns, partials);                \
    }                                                                                             \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(32 * LANES) sum_products_##NAME(                   \
      const T* a, long long aStride, const T* b, long long bStride, long long rows, int columns,  \
      float* partials, int wide) {                                                                \
    if (wide) {                                                                                   \
      sumPiece<T, WIDE<T>, PRODUCT>(a, aStride, b, bStride, nullptr, rows, columns, partials);    \
    } else {                                                                                      \
      sumPiece<T, 1, PRODUCT>(a, aStride, b, bStride, nullptr, rows, columns, partials);          \
    }                                                                                             \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(32 * LANES) sum_scaled_products_##NAME(            \
      const T* a, long long aStride, const T* b, long long bStride, const float* rowScales,       \
      long long rows, int columns, float* partials, int wide) {                                   \
    if (wide) {                                                                                   \
      sumPiece<T, WIDE<T>, SCALED_PRODUCT>(                                                       \
          a, aStride, b, bStride, rowScales, rows, columns, partials);                            \
    } else {                                                                                      \
      sumPiece<T, 1, SCALED_PRODUCT>(                                                             \
          a, aStride, b, bStride, rowScales, rows, columns, partials);                            \
    }                                                                                             \
  }

SUMS(f32, float)
SUMS(bf16, bf16)

// result = Σ of the pieces (+ result): 32 columns a block, whose lanes each take every LANES-th
// piece.
extern "C" __global__ void __launch_bounds__(32 * LANES) add_pieces(
    const float* partials, int pieces, int columns, float* result, int accumulate) {
  __shared__ float ofLanes[LANES][32];
  const int lane = threadIdx.x / 32;
  const int column = blockIdx.x * 32 + threadIdx.x % 32;
  float sum = 0.0f;
  if (column < columns) {
#pragma unroll 8
    for (int piece = lane; piece < pieces; piece += LANES) {
      sum += partials[piece * static_cast<long long>(columns) + column];
    }
  }
  ofLanes[lane][threadIdx.x % 32] = sum;
  __syncthreads();
  if (lane == 0 && column < columns) {
    float total = 0.0f;
#pragma unroll
    for (int other = 0; other < LANES; other++) {
      total += ofLanes[other][threadIdx.x];
    }
    result[column] = accumulate ? result[column] + total : total;
  }
}

// out = x · scale + bias (+ out), every operation rounded by itself; bias may be null.
template <typename T, int WIDTH>
__device__ __forceinline__ void scaleColumns(
    const T* x, long long xStride, const float* scale, const float* bias, T* out,
    long long outStride, bool accumulate, long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float values[WIDTH];
  float operands[WIDTH];
  load<T, WIDTH>(x + own.row * xStride + own.column, values);
  loadFloats(scale + own.column, operands);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    values[i] = __fmul_rn(values[i], operands[i]);
  }
  if (bias != nullptr) {
    loadFloats(bias + own.column, operands);
#pragma unroll
    for (int i = 0; i < WIDTH; i++) {
      values[i] = __fadd_rn(values[i], operands[i]);
    }
  }
  T* to = out + own.row * outStride + own.column;
  if (accumulate) {
    load<T, WIDTH>(to, operands);
#pragma unroll
    for (int i = 0; i < WIDTH; i++) {
      values[i] = __fadd_rn(operands[i], values[i]);
    }
  }
  store<T, WIDTH>(to, values);
}

#define SCALE(NAME, T)                                                                            \
  extern "C" __global__ void scale_columns_##NAME(                                                \
      const T* x, long long xStride, const float* scale, const float* bias, T* out,               \
      long long outStride, int accumulate, long long rows, long long columns, int wide) {         \
    if (wide) {                                                                                   \
      scaleColumns<T, WIDE<T>>(                                                                   \
          x, xStride, scale, bias, out, outStride, accumulate, rows, columns);                    \
    } else {                                                                                      \
      scaleColumns<T, 1>(x, xStride, scale, bias, out, outStride, accumulate, rows, columns);     \
    }                                                                                             \
  }

SCALE(f32, float)
SCALE(bf16, bf16)
