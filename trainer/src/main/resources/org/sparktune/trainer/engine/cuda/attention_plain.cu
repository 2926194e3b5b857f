// Attention for every head size up to 256, in F32 arithmetic whatever the elements' type: the twin
// that the fast kernels are held against, and what F32 training runs.
//
// HEAD_SIZE  D, elements of a head
// BF16       1 for bf16 elements, 0 for float
//
// A block of 8 warps works on one tile of rows of one head; a warp holds ROWS rows, and its lanes
// stand for 32 columns of scores, then for 32 columns of the head at a time. Every sum is made by
// one thread in a fixed order.
//
// runs   {first query row, queries, first key row, keys}: the queries are the last of the keys
// tiles  {run, first query or key of the tile within the run}

#include "prelude.cuh"

#if BF16
typedef bf16 element;
#else
typedef float element;
#endif

#define WARPS 8
#define ROWS (HEAD_SIZE > 128 ? 2 : 4)
#define TILE (WARPS * ROWS)
#define CHUNK 32
#define PITCH (HEAD_SIZE + 1)
#define PARTS ((HEAD_SIZE + 31) / 32)

static __device__ __forceinline__ float exponential2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Copies rows of one head to shared memory, zeros after the last.
static __device__ __forceinline__ void fetch(
    float* to, const element* from, long long stride, int rows, int padded) {
  for (int i = threadIdx.x; i < padded * HEAD_SIZE; i += WARPS * 32) {
    int row = i / HEAD_SIZE;
    int column = i % HEAD_SIZE;
    to[row * PITCH + column] = row < rows ? number(from[row * stride + column]) : 0.0f;
  }
}

// products[r] = row r of this warp · this lane's row.
static __device__ __forceinline__ void dots(
    const float* rows, const float* columns, float (&products)[ROWS]) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    products[r] = 0.0f;
  }
#pragma unroll 4
  for (int d = 0; d < HEAD_SIZE; d++) {
    float other = columns[lane * PITCH + d];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      products[r] = fmaf(rows[r * PITCH + d], other, products[r]);
    }
  }
}

// sums[r] += Σ over the lanes' rows of weight[r] of the lane · row.
static __device__ __forceinline__ void addWeighted(
    const float (&weights)[ROWS], const float* rows, float (&sums)[ROWS][PARTS]) {
  int lane = threadIdx.x % 32;
#pragma unroll 4
  for (int j = 0; j < CHUNK; j++) {
    float value[PARTS];
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      int column = part * 32 + lane;
      value[part] = column < HEAD_SIZE ? rows[j * PITCH + column] : 0.0f;
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      float weight = __shfl_sync(~0u, weights[r], j);
#pragma unroll
      for (int part = 0; part < PARTS; part++) {
        sums[r][part] = fmaf(weight, value[part], sums[r][part]);
      }
    }
  }
}

static __device__ __forceinline__ void storeRow(
    element* to, const float (&sums)[PARTS], float factor) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int part = 0; part < PARTS; part++) {
    int column = part * 32 + lane;
    if (column < HEAD_SIZE) {
      to[column] = rounded<element>(sums[part] * factor);
    }
  }
}

static __device__ __forceinline__ bool sees(int query, int key, int window) {
  return key <= query && query - key < window;
}

#define LOG2E 1.4426950408889634f
#define MINUS_INFINITY __int_as_float(0xff800000)
#define LN2 0.6931471805599453f

extern "C" __global__ void __launch_bounds__(WARPS * 32) attentionForward(
    const element* q, long long qStride, const element* k, long long kStride, const element* v,
    long long vStride, element* out, long long outStride, float* logSumExp, const int4* runs,
    const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ float shared[];
  float* queries = shared;
  float* others = queries + TILE * PITCH;
  int warp = threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  int head = blockIdx.x % heads;
  int2 tile = tiles[blockIdx.x / heads];
  int4 run = runs[tile.x];
  int rows = min(TILE, run.y - tile.y);
  int position = run.w - run.y + tile.y;
  long long firstRow = run.x + tile.y;
  k += run.z * kStride + head / group * HEAD_SIZE;
  v += run.z * vStride + head / group * HEAD_SIZE;
  fetch(queries, q + firstRow * qStride + head * HEAD_SIZE, qStride, rows, TILE);
  float maxima[ROWS];
  float totals[ROWS];
  float sums[ROWS][PARTS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    maxima[r] = MINUS_INFINITY;
    totals[r] = 0.0f;
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      sums[r][part] = 0.0f;
    }
  }
  int from = max(0, position - window + 1) / CHUNK * CHUNK;
  for (int chunk = from; chunk < position + rows; chunk += CHUNK) {
    int present = min(CHUNK, run.w - chunk);
    __syncthreads();
    fetch(others, k + chunk * kStride, kStride, present, CHUNK);
    __syncthreads();
    float scores[ROWS];
    dots(queries + warp * ROWS * PITCH, others, scores);
    __syncthreads();
    fetch(others, v + chunk * vStride, vStride, present, CHUNK);
    __syncthreads();
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      bool visible = sees(position + warp * ROWS + r, chunk + lane, window);
      float score = visible ? scores[r] * (scale * LOG2E) : MINUS_INFINITY;
      float maximum = fmaxf(maxima[r], warpMax(score));
      bool any = maximum != MINUS_INFINITY;
      float correction = any ? exponential2(maxima[r] - maximum) : 1.0f;
      scores[r] = any ? exponential2(score - maximum) : 0.0f;
      totals[r] = totals[r] * correction + warpSum(scores[r]);
      maxima[r] = maximum;
#pragma unroll
      for (int part = 0; part < PARTS; part++) {
        sums[r][part] *= correction;
      }
    }
    addWeighted(scores, others, sums);
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    int row = warp * ROWS + r;
    if (row < rows) {
      storeRow(out + (firstRow + row) * outStride + head * HEAD_SIZE, sums[r], 1.0f / totals[r]);
      if (logSumExp != nullptr && lane == 0) {
        logSumExp[(firstRow + row) * heads + head] = (maxima[r] + log2f(totals[r])) * LN2;
      }
    }
  }
}

// delta[n, h] = dOut[n, h] · out[n, h]; one warp a head of a token.
extern "C" __global__ void attentionDelta(
    const element* dOut, long long dOutStride, const element* out, long long outStride,
    float* delta, long long count, int heads) {
  long long index = (blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32;
  if (index >= count) {
    return;
  }
  int lane = threadIdx.x % 32;
  long long row = index / heads;
  int column = index % heads * HEAD_SIZE;
  float sum = 0.0f;
  for (int d = lane; d < HEAD_SIZE; d += 32) {
    sum = fmaf(
        number(dOut[row * dOutStride + column + d]), number(out[row * outStride + column + d]), sum);
  }
  sum = warpSum(sum);
  if (lane == 0) {
    delta[index] = sum;
  }
}

extern "C" __global__ void __launch_bounds__(WARPS * 32) attentionQueryGradient(
    const element* dOut, long long dOutStride, const element* q, long long qStride,
    const element* k, long long kStride, const element* v, long long vStride,
    const float* logSumExp, const float* delta, element* dq, long long dqStride, const int4* runs,
    const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ float shared[];
  float* queries = shared;
  float* gradients = queries + TILE * PITCH;
  float* keys = gradients + TILE * PITCH;
  float* values = keys + CHUNK * PITCH;
  int warp = threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  int head = blockIdx.x % heads;
  int2 tile = tiles[blockIdx.x / heads];
  int4 run = runs[tile.x];
  int rows = min(TILE, run.y - tile.y);
  int position = run.w - run.y + tile.y;
  long long firstRow = run.x + tile.y;
  k += run.z * kStride + head / group * HEAD_SIZE;
  v += run.z * vStride + head / group * HEAD_SIZE;
  fetch(queries, q + firstRow * qStride + head * HEAD_SIZE, qStride, rows, TILE);
  fetch(gradients, dOut + firstRow * dOutStride + head * HEAD_SIZE, dOutStride, rows, TILE);
  float sums[ROWS][PARTS] = {};
  float logs[ROWS];
  float deltas[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    int row = warp * ROWS + r;
    logs[r] = row < rows ? logSumExp[(firstRow + row) * heads + head] * LOG2E : 0.0f;
    deltas[r] = row < rows ? delta[(firstRow + row) * heads + head] : 0.0f;
  }
  int from = max(0, position - window + 1) / CHUNK * CHUNK;
  for (int chunk = from; chunk < position + rows; chunk += CHUNK) {
    int present = min(CHUNK, run.w - chunk);
    __syncthreads();
    fetch(keys, k + chunk * kStride, kStride, present, CHUNK);
    fetch(values, v + chunk * vStride, vStride, present, CHUNK);
    __syncthreads();
    float scores[ROWS];
    float products[ROWS];
    dots(queries + warp * ROWS * PITCH, keys, scores);
    dots(gradients + warp * ROWS * PITCH, values, products);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      bool visible = warp * ROWS + r < rows
          && sees(position + warp * ROWS + r, chunk + lane, window);
      float weight = visible ? exponential2(scores[r] * (scale * LOG2E) - logs[r]) : 0.0f;
      scores[r] = weight * (products[r] - deltas[r]);
    }
    addWeighted(scores, keys, sums);
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    int row = warp * ROWS + r;
    if (row < rows) {
      storeRow(dq + (firstRow + row) * dqStride + head * HEAD_SIZE, sums[r], scale);
    }
  }
}

// One tile of keys of one key/value head: all query heads of its group, one after another.
extern "C" __global__ void __launch_bounds__(WARPS * 32) attentionKeyGradient(
    const element* dOut, long long dOutStride, const element* q, long long qStride,
    const element* k, long long kStride, const element* v, long long vStride,
    const float* logSumExp, const float* delta, element* dk, long long dkStride, element* dv,
    long long dvStride, const int4* runs, const int2* tiles, int heads, int group, float scale,
    int window) {
  extern __shared__ float shared[];
  float* keys = shared;
  float* values = keys + TILE * PITCH;
  float* queries = values + TILE * PITCH;
  float* gradients = queries + CHUNK * PITCH;
  int warp = threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  int keyHead = blockIdx.x % (heads / group);
  int2 tile = tiles[blockIdx.x / (heads / group)];
  int4 run = runs[tile.x];
  int rows = min(TILE, run.w - tile.y);
  long long firstRow = run.z + tile.y;
  fetch(keys, k + firstRow * kStride + keyHead * HEAD_SIZE, kStride, rows, TILE);
  fetch(values, v + firstRow * vStride + keyHead * HEAD_SIZE, vStride, rows, TILE);
  float keySums[ROWS][PARTS] = {};
  float valueSums[ROWS][PARTS] = {};
  int last = (int)min((long long)run.w, (long long)tile.y + rows - 1 + window);
  for (int member = 0; member < group; member++) {
    int head = keyHead * group + member;
    for (int chunk = tile.y / CHUNK * CHUNK; chunk < last; chunk += CHUNK) {
      int present = min(CHUNK, run.w - chunk);
      long long row = run.x + chunk;
      __syncthreads();
      fetch(queries, q + row * qStride + head * HEAD_SIZE, qStride, present, CHUNK);
      fetch(gradients, dOut + row * dOutStride + head * HEAD_SIZE, dOutStride, present, CHUNK);
      float log = lane < present ? logSumExp[(row + lane) * heads + head] * LOG2E : 0.0f;
      float difference = lane < present ? delta[(row + lane) * heads + head] : 0.0f;
      __syncthreads();
      float scores[ROWS];
      float products[ROWS];
      dots(keys + warp * ROWS * PITCH, queries, scores);
      dots(values + warp * ROWS * PITCH, gradients, products);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        bool visible = lane < present && sees(chunk + lane, tile.y + warp * ROWS + r, window);
        scores[r] = visible ? exponential2(scores[r] * (scale * LOG2E) - log) : 0.0f;
        products[r] = scores[r] * (products[r] - difference);
      }
      addWeighted(scores, gradients, valueSums);
      addWeighted(products, queries, keySums);
    }
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    int row = warp * ROWS + r;
    if (row < rows) {
      storeRow(dk + (firstRow + row) * dkStride + keyHead * HEAD_SIZE, keySums[r], scale);
      storeRow(dv + (firstRow + row) * dvStride + keyHead * HEAD_SIZE, valueSums[r], 1.0f);
    }
  }
}
