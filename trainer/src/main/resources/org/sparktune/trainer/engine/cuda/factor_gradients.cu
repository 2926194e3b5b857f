// Gradients of thin factors in one pass over the output's gradient dy: for every module of a group,
// d = s·dy·B and dB += s·dyᵀ·t. RANK is the columns of t, d and B of one module, a multiple of 8.
//
// A block reads COLUMNS columns of one module, ROWS rows at a time, the next rows while it works on
// these. What it makes of them, its part of d and of dB, is added to the others' parts by a second
// kernel in a fixed order.
#include "prelude.cuh"

#define COLUMNS 256
#define ROWS 128
#define THREADS 256
#define MOST_MODULES 4

// Rows of shared memory lie an odd number of 16 bytes apart: no bank is asked twice.
#define WIDE_PITCH (COLUMNS + 8)
#define THIN_PITCH (RANK + 8)
#define THIN_TILES (RANK / 8)

struct Module {
  const float* up;
  float* dUp;
  long long upStride;
  int firstColumn;
  int columns;
  float scale;
};

struct Modules {
  Module list[MOST_MODULES];
};

#define MODULE_PARAMETERS(N)                                                                  \
  const float *up##N, float *dUp##N, long long upStride##N, int firstColumn##N,               \
      int columns##N, float scale##N

#define MODULE_VALUES(N) {up##N, dUp##N, upStride##N, firstColumn##N, columns##N, scale##N}

// Which columns of which module a block reads.
struct Chunk {
  int module;
  int column;
};

__device__ __forceinline__ int chunksOf(const Module& module) {
  return (module.columns + COLUMNS - 1) / COLUMNS;
}

__device__ __forceinline__ Chunk chunkOf(const Modules& modules, int index) {
  Chunk chunk = {0, 0};
  int first = 0;
#pragma unroll
  for (int m = 0; m < MOST_MODULES; m++) {
    const int count = chunksOf(modules.list[m]);
    if (index >= first && index < first + count) {
      chunk.module = m;
      chunk.column = (index - first) * COLUMNS;
    }
    first += count;
  }
  return chunk;
}

__device__ __forceinline__ Module moduleOf(const Modules& modules, int index) {
  Module result = modules.list[0];
#pragma unroll
  for (int m = 1; m < MOST_MODULES; m++) {
    if (m == index) {
      result = modules.list[m];
    }
  }
  return result;
}

__device__ __forceinline__ unsigned sharedAddress(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// 16 bytes on their way to shared memory; zeros if they are not to be read.
__device__ __forceinline__ void fetch(bf16* to, const bf16* from, bool read) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(sharedAddress(to)), "l"(from), "r"(read ? 16 : 0));
}

struct Fragment {
  unsigned part[4];
};

__device__ __forceinline__ Fragment matrices(const bf16* row) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.part[0]), "=r"(f.part[1]), "=r"(f.part[2]), "=r"(f.part[3])
               : "r"(sharedAddress(row)));
  return f;
}

__device__ __forceinline__ Fragment transposedMatrices(const bf16* row) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.part[0]), "=r"(f.part[1]), "=r"(f.part[2]), "=r"(f.part[3])
               : "r"(sharedAddress(row)));
  return f;
}

// Two matrices: one tile of 16 inner elements by 8 columns.
__device__ __forceinline__ void transposedPair(const bf16* row, unsigned& low, unsigned& high) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(low), "=r"(high)
               : "r"(sharedAddress(row)));
}

__device__ __forceinline__ void multiply(
    float (&sums)[4], const Fragment& a, unsigned low, unsigned high) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a.part[0]), "r"(a.part[1]), "r"(a.part[2]), "r"(a.part[3]), "r"(low), "r"(high));
}

struct Stage {
  bf16 dy[ROWS * WIDE_PITCH];
  bf16 t[ROWS * THIN_PITCH];
};

__device__ __forceinline__ void fetchStage(
    Stage& stage, const bf16* dy, long long dyStride, int columns, const bf16* t,
    long long tStride, int rows) {
  for (int i = threadIdx.x; i < ROWS * (COLUMNS / 8); i += THREADS) {
    const int row = i / (COLUMNS / 8);
    const int column = i % (COLUMNS / 8) * 8;
    const bool read = row < rows && column < columns;
    fetch(stage.dy + row * WIDE_PITCH + column, read ? dy + row * dyStride + column : dy, read);
  }
  for (int i = threadIdx.x; i < ROWS * THIN_TILES; i += THREADS) {
    const int row = i / THIN_TILES;
    const int column = i % THIN_TILES * 8;
    const bool read = row < rows;
    fetch(stage.t + row * THIN_PITCH + column, read ? t + row * tStride + column : t, read);
  }
  asm volatile("cp.async.commit_group;");
}

// parts of d: (chunks, rows, RANK); parts of dB: (row chunks, columns of all modules, RANK).
extern "C" __global__ void __launch_bounds__(THREADS) factor_gradients(
    const bf16* dy, long long dyStride, const bf16* t, long long tStride, int rows,
    int rowsOfBlock, float* reducedParts, float* upParts, int allColumns, MODULE_PARAMETERS(0),
    MODULE_PARAMETERS(1), MODULE_PARAMETERS(2), MODULE_PARAMETERS(3)) {
  extern __shared__ __align__(128) unsigned char memory[];
  Stage* stages = reinterpret_cast<Stage*>(memory);
  bf16* ups = reinterpret_cast<bf16*>(memory + 2 * sizeof(Stage));
  const Modules modules = {
      {MODULE_VALUES(0), MODULE_VALUES(1), MODULE_VALUES(2), MODULE_VALUES(3)}};
  const Chunk chunk = chunkOf(modules, blockIdx.x);
  const Module module = moduleOf(modules, chunk.module);
  const int columns = min(COLUMNS, module.columns - chunk.column);
  const int first = blockIdx.y * rowsOfBlock;
  const int last = min(rows, first + rowsOfBlock);
  const bf16* ownDy = dy + module.firstColumn + chunk.column;
  const bf16* ownT = t + chunk.module * RANK;
  const int count = (last - first + ROWS - 1) / ROWS;

  fetchStage(
      stages[0], ownDy + first * dyStride, dyStride, columns, ownT + first * tStride, tStride,
      last - first);
  for (int i = threadIdx.x; i < COLUMNS * RANK; i += THREADS) {
    const int column = i / RANK;
    const int j = i % RANK;
    const float value =
        column < columns
            ? module.scale * module.up[(chunk.column + column) * module.upStride + j]
            : 0.0f;
    ups[column * THIN_PITCH + j] = rounded<bf16>(value);
  }

  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  float upSums[2][THIN_TILES][4] = {};
  for (int step = 0; step < count; step++) {
    const int row = first + step * ROWS;
    if (step + 1 < count) {
      const int next = row + ROWS;
      fetchStage(
          stages[(step + 1) % 2], ownDy + next * dyStride, dyStride, columns,
          ownT + next * tStride, tStride, last - next);
      asm volatile("cp.async.wait_group 1;");
    } else {
      asm volatile("cp.async.wait_group 0;");
    }
    __syncthreads();
    const Stage& stage = stages[step % 2];

    float reducedSums[THIN_TILES][4] = {};
#pragma unroll 4
    for (int k = 0; k < COLUMNS; k += 16) {
      const Fragment a =
          matrices(stage.dy + (warp * 16 + lane % 16) * WIDE_PITCH + k + lane / 16 * 8);
#pragma unroll
      for (int n = 0; n < THIN_TILES; n++) {
        unsigned low;
        unsigned high;
        transposedPair(ups + (k + lane % 16) * THIN_PITCH + n * 8, low, high);
        multiply(reducedSums[n], a, low, high);
      }
    }
#pragma unroll
    for (int n = 0; n < THIN_TILES; n++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int own = row + warp * 16 + lane / 4 + half * 8;
        if (own < last) {
          float2* to = reinterpret_cast<float2*>(
              reducedParts + (static_cast<long long>(blockIdx.x) * rows + own) * RANK + n * 8
              + lane % 4 * 2);
          *to = make_float2(reducedSums[n][2 * half], reducedSums[n][2 * half + 1]);
        }
      }
    }

#pragma unroll 2
    for (int k = 0; k < ROWS; k += 16) {
      Fragment a[2];
#pragma unroll
      for (int m = 0; m < 2; m++) {
        a[m] = transposedMatrices(
            stage.dy + (k + lane % 8 + lane / 16 * 8) * WIDE_PITCH + (warp * 2 + m) * 16
            + lane / 8 % 2 * 8);
      }
#pragma unroll
      for (int n = 0; n < THIN_TILES; n++) {
        unsigned low;
        unsigned high;
        transposedPair(stage.t + (k + lane % 16) * THIN_PITCH + n * 8, low, high);
        multiply(upSums[0][n], a[0], low, high);
        multiply(upSums[1][n], a[1], low, high);
      }
    }
    __syncthreads();
  }

  int before = 0;
#pragma unroll
  for (int m = 0; m < MOST_MODULES; m++) {
    before += m < chunk.module ? modules.list[m].columns : 0;
  }
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int column = (warp * 2 + m) * 16 + lane / 4 + half * 8;
      if (column < columns) {
        const long long place =
            static_cast<long long>(blockIdx.y) * allColumns + before + chunk.column + column;
#pragma unroll
        for (int n = 0; n < THIN_TILES; n++) {
          float2* to = reinterpret_cast<float2*>(upParts + place * RANK + n * 8 + lane % 4 * 2);
          *to = make_float2(upSums[m][n][2 * half], upSums[m][n][2 * half + 1]);
        }
      }
    }
  }
}

// Adds the parts up: the first blocks for d, the others for dB.
extern "C" __global__ void __launch_bounds__(THREADS) add_factor_gradients(
    const float* reducedParts, const float* upParts, int rows, int rowChunks, int allColumns,
    int moduleCount, bf16* d, long long dStride, int blocksForD, MODULE_PARAMETERS(0),
    MODULE_PARAMETERS(1), MODULE_PARAMETERS(2), MODULE_PARAMETERS(3)) {
  const Modules modules = {
      {MODULE_VALUES(0), MODULE_VALUES(1), MODULE_VALUES(2), MODULE_VALUES(3)}};
  if (blockIdx.x < blocksForD) {
    const long long i = blockIdx.x * static_cast<long long>(THREADS) + threadIdx.x;
    const int pairs = RANK / 2;
    const long long size = static_cast<long long>(moduleCount) * rows * pairs;
    if (i >= size) {
      return;
    }
    const int j = static_cast<int>(i % pairs) * 2;
    const long long row = i / pairs % rows;
    const int own = static_cast<int>(i / pairs / rows);
    int firstChunk = 0;
    int chunks = 0;
#pragma unroll
    for (int m = 0; m < MOST_MODULES; m++) {
      firstChunk += m < own ? chunksOf(modules.list[m]) : 0;
      chunks = m == own ? chunksOf(modules.list[m]) : chunks;
    }
    float2 sum = make_float2(0.0f, 0.0f);
#pragma unroll 4
    for (int chunk = 0; chunk < chunks; chunk++) {
      const float2 part = *reinterpret_cast<const float2*>(
          reducedParts + ((firstChunk + chunk) * static_cast<long long>(rows) + row) * RANK + j);
      sum.x += part.x;
      sum.y += part.y;
    }
    bf16* to = d + row * dStride + own * RANK + j;
    to[0] = rounded<bf16>(sum.x);
    to[1] = rounded<bf16>(sum.y);
    return;
  }
  const long long i = (blockIdx.x - blocksForD) * static_cast<long long>(THREADS) + threadIdx.x;
  if (i >= static_cast<long long>(allColumns) * RANK) {
    return;
  }
  float sum = 0.0f;
#pragma unroll 4
  for (int chunk = 0; chunk < rowChunks; chunk++) {
    sum += upParts[chunk * static_cast<long long>(allColumns) * RANK + i];
  }
  int column = static_cast<int>(i / RANK);
#pragma unroll
  for (int m = 0; m < MOST_MODULES; m++) {
    const Module module = modules.list[m];
    if (column >= 0 && column < module.columns) {
      module.dUp[column * module.upStride + i % RANK] += module.scale * sum;
    }
    column -= module.columns;
  }
}
