// What causal grouped-query attention of bf16 tensors on tensor cores is made of, for every GPU of
// compute capability 8.0 or later that has no kernels of its own.
//
// HEAD_SIZE  D, elements of a head: a multiple of 8, at most 128
//
// A block of four warps works on one tile of 64 rows and goes through chunks of the other rows, of
// which it copies the next to shared memory while it multiplies with the last.
//
// runs   {first query row, queries, first key row, keys}: the queries are the last of the keys
// tiles  {run, first query or key of the tile within the run}
#pragma once

#include "attention_fragments.cuh"

// The address of a row's piece of 8 columns.
static __device__ __forceinline__ u32 pieceOf(u32 tile, int panelBytes, int row, int piece) {
  return tile + piece / 8 * panelBytes + row * 128 + ((piece % 8 ^ row % 8) << 4);
}

// Starts copying rows of one head; zeros after the last row and column.
template <int ROWS>
static __device__ __forceinline__ void copyRows(
    u32 to, const element* from, long long stride, int rows) {
#pragma unroll 4
  for (int i = threadIdx.x; i < ROWS * PANELS * 8; i += GROUP) {
    int row = i / (PANELS * 8);
    int piece = i % (PANELS * 8);
    bool present = row < rows && piece * 8 < HEAD_SIZE;
    const element* source = present ? from + row * stride + piece * 8 : from;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     pieceOf(to, ROWS * 128, row, piece)),
                 "l"(source), "r"(present ? 16 : 0)
                 : "memory");
  }
}

static __device__ __forceinline__ void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until all but the latest PENDING groups of copies are there, in all threads.
template <int PENDING>
static __device__ __forceinline__ void awaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
  __syncthreads();
}

static __device__ __forceinline__ void loadMatrices(u32 (&to)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

static __device__ __forceinline__ void loadTransposed(u32 (&to)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

// d (16, 8) += a (16, 16) · b (16, 8).
static __device__ __forceinline__ void multiplyAdd(float* d, const u32 (&a)[4], u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7},"
      " {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// scores (64, COLUMNS) = rows (64, D) · columns (COLUMNS, D)ᵀ.
template <int COLUMNS>
static __device__ __forceinline__ void scoreProducts(
    float (&scores)[COLUMNS / 2], u32 rows, u32 columns) {
  int lane = threadIdx.x % 32;
  int row = threadIdx.x / 32 * 16 + lane / 8 % 2 * 8 + lane % 8;
#pragma unroll
  for (int i = 0; i < COLUMNS / 2; i++) {
    scores[i] = 0.0f;
  }
#pragma unroll
  for (int step = 0; step < STEPS; step++) {
    u32 left[4];
    loadMatrices(left, pieceOf(rows, GROUP_ROWS * 128, row, 2 * step + lane / 16));
#pragma unroll
    for (int j = 0; j < COLUMNS / 16; j++) {
      u32 right[4];
      int column = j * 16 + lane / 16 * 8 + lane % 8;
      loadMatrices(right, pieceOf(columns, COLUMNS * 128, column, 2 * step + lane / 8 % 2));
      multiplyAdd(scores + 8 * j, left, right[0], right[1]);
      multiplyAdd(scores + 8 * j + 4, left, right[2], right[3]);
    }
  }
}

// sums (64, D) += weights (64, ROWS) · rows (ROWS, D).
template <int ROWS>
static __device__ __forceinline__ void weightedSum(
    float (&sums)[WIDTH / 2], const u32 (&weights)[ROWS / 16][4], u32 rows) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int step = 0; step < ROWS / 16; step++) {
    int row = step * 16 + lane / 8 % 2 * 8 + lane % 8;
#pragma unroll
    for (int j = 0; j < WIDTH / 16; j++) {
      u32 right[4];
      loadTransposed(right, pieceOf(rows, ROWS * 128, row, 2 * j + lane / 16));
      multiplyAdd(sums + 8 * j, weights[step], right[0], right[1]);
      multiplyAdd(sums + 8 * j + 4, weights[step], right[2], right[3]);
    }
  }
}
