// The gradient of attention on tensor cores of compute capability 8.0 and later: see
// attention_ampere.cuh for its parts and macros. Two kernels compute the scores anew, one for the
// queries' gradient and one for the keys' and values', so that every sum stays in the registers of
// one block. The delta is the plain kernels'.
#include "attention_ampere.cuh"

#define CHUNK 32
#define TILE_PANEL (GROUP_ROWS * 128)
#define TILE_BYTES (TILE_PANEL * PANELS)
#define CHUNK_BYTES (CHUNK * 128 * PANELS)

// dq of 64 queries of one head.
extern "C" __global__ void __launch_bounds__(GROUP, 2) attentionQueryGradient(
    const element* dOut, long long dOutStride, const element* q, long long qStride,
    const element* k, long long kStride, const element* v, long long vStride,
    const float* logSumExp, const float* delta, element* dq, long long dqStride, const int4* runs,
    const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 127) / 128 * 128;
  u32 gradients = queries + TILE_BYTES;
  u32 keys = gradients + TILE_BYTES;
  u32 values = keys + 2 * CHUNK_BYTES;
  int head = blockIdx.x % heads;
  int2 tile = tiles[blockIdx.x / heads];
  int4 run = runs[tile.x];
  int rows = min(GROUP_ROWS, run.y - tile.y);
  int position = run.w - run.y + tile.y;
  long long firstRow = run.x + tile.y;
  k += run.z * kStride + head / group * HEAD_SIZE;
  v += run.z * vStride + head / group * HEAD_SIZE;
  int firstChunk = max(0, position - window + 1) / CHUNK;
  int chunks = (position + rows + CHUNK - 1) / CHUNK;
  int thread = threadIdx.x;
  int ownRow = thread / 32 * 16 + thread % 32 / 4;
  float factor = scale * LOG2E;
  float logs[2];
  float deltas[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    int row = ownRow + 8 * r;
    long long index = (firstRow + row) * heads + head;
    logs[r] = row < rows ? logSumExp[index] * LOG2E : 0.0f;
    deltas[r] = row < rows ? delta[index] : 0.0f;
  }
  float scores[CHUNK / 2];
  float products[CHUNK / 2];
  u32 weights[CHUNK / 16][4];
  float sums[WIDTH / 2];
#pragma unroll
  for (int i = 0; i < WIDTH / 2; i++) {
    sums[i] = 0.0f;
  }
  copyRows<GROUP_ROWS>(queries, q + firstRow * qStride + head * HEAD_SIZE, qStride, rows);
  copyRows<GROUP_ROWS>(
      gradients, dOut + firstRow * dOutStride + head * HEAD_SIZE, dOutStride, rows);
  int stage = 0;
  int firstKey = firstChunk * CHUNK;
  copyRows<CHUNK>(keys, k + firstKey * kStride, kStride, run.w - firstKey);
  copyRows<CHUNK>(values, v + firstKey * vStride, vStride, run.w - firstKey);
  commitCopies();
  for (int chunk = firstChunk; chunk < chunks; chunk++) {
    firstKey = chunk * CHUNK;
    awaitCopies<0>();
    if (chunk + 1 < chunks) {
      int nextKey = firstKey + CHUNK;
      int next = (stage ^ 1) * CHUNK_BYTES;
      copyRows<CHUNK>(keys + next, k + nextKey * kStride, kStride, run.w - nextKey);
      copyRows<CHUNK>(values + next, v + nextKey * vStride, vStride, run.w - nextKey);
      commitCopies();
    }
    scoreProducts<CHUNK>(scores, queries, keys + stage * CHUNK_BYTES);
    scoreProducts<CHUNK>(products, gradients, values + stage * CHUNK_BYTES);
    bool hides = firstKey + CHUNK - 1 > position || position + GROUP_ROWS - 1 - firstKey >= window;
    weigh<CHUNK>(scores, logs, factor);
    hideKeys<CHUNK>(scores, hides, position + ownRow, firstKey, window);
    scoreGradients<CHUNK>(scores, products, deltas);
    packAll<CHUNK>(scores, weights);
    weightedSum<CHUNK>(sums, weights, keys + stage * CHUNK_BYTES);
    stage ^= 1;
  }
  __syncthreads();
  storeRows(
      sums, scale, scale, queries, TILE_PANEL, 1, dq + firstRow * dqStride + head * HEAD_SIZE,
      dqStride, rows);
}

// What the key gradient needs of a chunk of queries: their rows, logSumExp for base 2, and delta.
static __device__ __forceinline__ void copyQueries(
    u32 queries, u32 gradients, u32 statistics, const element* q, long long qStride,
    const element* dOut, long long dOutStride, const float* logSumExp, const float* delta,
    long long row, int rows, int heads, int head) {
  copyRows<CHUNK>(queries, q + row * qStride + head * HEAD_SIZE, qStride, rows);
  copyRows<CHUNK>(gradients, dOut + row * dOutStride + head * HEAD_SIZE, dOutStride, rows);
  commitCopies();
  if (threadIdx.x < CHUNK) {
    bool present = threadIdx.x < rows;
    long long index = (row + threadIdx.x) * heads + head;
    float log = present ? logSumExp[index] * LOG2E : 0.0f;
    float difference = present ? delta[index] : 0.0f;
    u32 at = statistics + threadIdx.x * 4;
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(at), "f"(log) : "memory");
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(at + CHUNK * 4), "f"(difference) : "memory");
  }
}

// dk and dv of 64 keys of one key/value head: all query heads of its group, one after another.
// Scores are transposed: keys along rows, queries along columns.
extern "C" __global__ void __launch_bounds__(GROUP, 2) attentionKeyGradient(
    const element* dOut, long long dOutStride, const element* q, long long qStride,
    const element* k, long long kStride, const element* v, long long vStride,
    const float* logSumExp, const float* delta, element* dk, long long dkStride, element* dv,
    long long dvStride, const int4* runs, const int2* tiles, int heads, int group, float scale,
    int window) {
  extern __shared__ char dynamicShared[];
  u32 keys = (sharedAddress(dynamicShared) + 127) / 128 * 128;
  u32 values = keys + TILE_BYTES;
  u32 queries = values + TILE_BYTES;
  u32 gradients = queries + 2 * CHUNK_BYTES;
  u32 statistics = gradients + 2 * CHUNK_BYTES;
  int keyHead = blockIdx.x % (heads / group);
  int2 tile = tiles[blockIdx.x / (heads / group)];
  int4 run = runs[tile.x];
  int rows = min(GROUP_ROWS, run.w - tile.y);
  long long firstRow = run.z + tile.y;
  int firstChunk = tile.y / CHUNK;
  int last = (int)min((long long)run.w, (long long)tile.y + rows - 1 + window);
  int chunks = (last + CHUNK - 1) / CHUNK;
  int thread = threadIdx.x;
  int key = tile.y + thread / 32 * 16 + thread % 32 / 4;
  float factor = scale * LOG2E;
  float scores[CHUNK / 2];
  float products[CHUNK / 2];
  u32 weights[CHUNK / 16][4];
  u32 differences[CHUNK / 16][4];
  float keySums[WIDTH / 2];
  float valueSums[WIDTH / 2];
#pragma unroll
  for (int i = 0; i < WIDTH / 2; i++) {
    keySums[i] = 0.0f;
    valueSums[i] = 0.0f;
  }
  copyRows<GROUP_ROWS>(keys, k + firstRow * kStride + keyHead * HEAD_SIZE, kStride, rows);
  copyRows<GROUP_ROWS>(values, v + firstRow * vStride + keyHead * HEAD_SIZE, vStride, rows);
  int stage = 0;
  int head = keyHead * group;
  int chunk = firstChunk;
  copyQueries(
      queries, gradients, statistics, q, qStride, dOut, dOutStride, logSumExp, delta,
      run.x + chunk * CHUNK, run.y - chunk * CHUNK, heads, head);
  for (int left = group * (chunks - firstChunk); left > 0; left--) {
    int firstQuery = chunk * CHUNK;
    u32 ownQueries = queries + stage * CHUNK_BYTES;
    u32 ownGradients = gradients + stage * CHUNK_BYTES;
    u32 ownStatistics = statistics + stage * CHUNK * 8 + thread % 4 * 8;
    stage ^= 1;
    if (++chunk == chunks) {
      chunk = firstChunk;
      head++;
    }
    awaitCopies<0>();
    if (left > 1) {
      copyQueries(
          queries + stage * CHUNK_BYTES, gradients + stage * CHUNK_BYTES,
          statistics + stage * CHUNK * 8, q, qStride, dOut, dOutStride, logSumExp, delta,
          run.x + chunk * CHUNK, run.y - chunk * CHUNK, heads, head);
    }
    scoreProducts<CHUNK>(scores, keys, ownQueries);
    weighColumns<CHUNK>(scores, ownStatistics, factor);
    bool hides = firstQuery < tile.y + GROUP_ROWS - 1 || firstQuery + CHUNK - 1 - tile.y >= window
        || firstQuery + CHUNK > run.y;
    hideQueries<CHUNK>(scores, hides, firstQuery, run.y, key, window);
    packAll<CHUNK>(scores, weights);
    weightedSum<CHUNK>(valueSums, weights, ownGradients);
    scoreProducts<CHUNK>(products, values, ownGradients);
    scoreGradientsOfColumns<CHUNK>(products, weights, ownStatistics);
    packAll<CHUNK>(products, differences);
    weightedSum<CHUNK>(keySums, differences, ownQueries);
  }
  __syncthreads();
  storeRows(
      keySums, scale, scale, keys, TILE_PANEL, 1,
      dk + firstRow * dkStride + keyHead * HEAD_SIZE, dkStride, rows);
  storeRows(
      valueSums, 1.0f, 1.0f, values, TILE_PANEL, 1,
      dv + firstRow * dvStride + keyHead * HEAD_SIZE, dvStride, rows);
}
