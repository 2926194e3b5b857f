// Attention on tensor cores of compute capability 8.0 and later: see attention_ampere.cuh for its
// parts and macros.
#include "attention_ampere.cuh"

#define CHUNK 64
#define TILE_BYTES (GROUP_ROWS * 128 * PANELS)
#define CHUNK_BYTES (CHUNK * 128 * PANELS)

extern "C" __global__ void __launch_bounds__(GROUP, 2) attentionForward(
    const element* q, long long qStride, const element* k, long long kStride, const element* v,
    long long vStride, element* out, long long outStride, float* logSumExp, const int4* runs,
    const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 127) / 128 * 128;
  u32 keys = queries + TILE_BYTES;
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
  float scores[CHUNK / 2];
  u32 weights[CHUNK / 16][4];
  float sums[WIDTH / 2];
  float correction[2];
  Softmax softmax = {{MINUS_INFINITY, MINUS_INFINITY}, {0.0f, 0.0f}};
#pragma unroll
  for (int i = 0; i < WIDTH / 2; i++) {
    sums[i] = 0.0f;
  }
  copyRows<GROUP_ROWS>(
      queries, q + firstRow * qStride + head * HEAD_SIZE, qStride, rows);
  int stage = 0;
  int firstKey = (chunks - 1) * CHUNK;
  copyRows<CHUNK>(keys, k + firstKey * kStride, kStride, run.w - firstKey);
  commitCopies();
  copyRows<CHUNK>(values, v + firstKey * vStride, vStride, run.w - firstKey);
  commitCopies();
  for (int chunk = chunks - 1; chunk >= firstChunk; chunk--) {
    firstKey = chunk * CHUNK;
    int nextKey = firstKey - CHUNK;
    bool more = chunk > firstChunk;
    if (more) {
      copyRows<CHUNK>(
          keys + (stage ^ 1) * CHUNK_BYTES, k + nextKey * kStride, kStride, run.w - nextKey);
    }
    commitCopies();
    awaitCopies<2>();
    scoreProducts<CHUNK>(scores, queries, keys + stage * CHUNK_BYTES);
    if (more) {
      copyRows<CHUNK>(
          values + (stage ^ 1) * CHUNK_BYTES, v + nextKey * vStride, vStride, run.w - nextKey);
    }
    commitCopies();
    if (firstKey + CHUNK - 1 > position || position + GROUP_ROWS - 1 - firstKey >= window) {
      maskKeys<CHUNK>(scores, position + ownRow, firstKey, window);
    }
    exponentials<CHUNK>(scores, softmax, correction, factor);
#pragma unroll
    for (int i = 0; i < WIDTH / 2; i++) {
      sums[i] *= correction[i / 2 % 2];
    }
    packAll<CHUNK>(scores, weights);
    awaitCopies<2>();
    weightedSum<CHUNK>(sums, weights, values + stage * CHUNK_BYTES);
    stage ^= 1;
  }
  float factors[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float total = softmax.totals[r];
    total += __shfl_xor_sync(~0u, total, 1);
    total += __shfl_xor_sync(~0u, total, 2);
    factors[r] = 1.0f / total;
    int row = ownRow + 8 * r;
    if (logSumExp != nullptr && thread % 4 == 0 && row < rows) {
      logSumExp[(firstRow + row) * heads + head] =
          softmax.maxima[r] * scale + log2f(total) * LN2;
    }
  }
  storeRows(
      sums, factors[0], factors[1], queries, GROUP_ROWS * 128, 1,
      out + firstRow * outStride + head * HEAD_SIZE, outStride, rows);
}
