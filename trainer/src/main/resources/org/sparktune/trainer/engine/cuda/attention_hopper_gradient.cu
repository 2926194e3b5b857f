// The gradient of attention on Hopper: see attention_hopper.cuh for its parts and macros. Two kernels
// compute the scores anew, one for the queries' gradient and one for the keys' and values', so that
// every sum stays in the registers of one block.
#include "attention_hopper.cuh"

#define TILE_ROWS 128
#define TILE_PANEL (TILE_ROWS * 128)
#define TILE_BYTES (TILE_PANEL * PANELS)
#define CHUNK 64
#define CHUNK_PANEL (CHUNK * 128)
#define CHUNK_BYTES (CHUNK_PANEL * PANELS)
#define STAGES 3

static __device__ __forceinline__ float2 loadPair(u32 address) {
  float2 pair;
  asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];"
               : "=f"(pair.x), "=f"(pair.y)
               : "r"(address)
               : "memory");
  return pair;
}

// Scores of (64 queries, 64 keys) to probabilities.
static __device__ __forceinline__ void weigh(
    float (&scores)[CHUNK / 2], const float (&logs)[2], float factor) {
#pragma unroll
  for (int i = 0; i < CHUNK / 2; i++) {
    scores[i] = exponential2(fmaf(scores[i], factor, -logs[i / 2 % 2]));
  }
}

// Clears what queries may not see; query is the position of the thread's first row.
static __device__ __forceinline__ void hideKeys(
    float (&weights)[CHUNK / 2], bool hides, int query, int firstKey, int window) {
  if (hides) {
    int key = firstKey + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < CHUNK / 2; i++) {
      if (!sees(query + (i / 2 % 2) * 8, key + i / 4 * 8 + i % 2, window)) {
        weights[i] = 0.0f;
      }
    }
  }
}

// Probabilities to gradients of the scores, without the scale.
static __device__ __forceinline__ void scoreGradients(
    float (&weights)[CHUNK / 2], const float (&products)[CHUNK / 2], const float (&deltas)[2]) {
#pragma unroll
  for (int i = 0; i < CHUNK / 2; i++) {
    weights[i] *= products[i] - deltas[i / 2 % 2];
  }
}

// The same for (64 keys, 64 queries): statistics is where a thread's first column's logSumExp lies.
static __device__ __forceinline__ void weighColumns(
    float (&scores)[CHUNK / 2], u32 statistics, float factor) {
#pragma unroll
  for (int j = 0; j < CHUNK / 8; j++) {
    float2 logs = loadPair(statistics + j * 32);
    scores[4 * j] = exponential2(fmaf(scores[4 * j], factor, -logs.x));
    scores[4 * j + 1] = exponential2(fmaf(scores[4 * j + 1], factor, -logs.y));
    scores[4 * j + 2] = exponential2(fmaf(scores[4 * j + 2], factor, -logs.x));
    scores[4 * j + 3] = exponential2(fmaf(scores[4 * j + 3], factor, -logs.y));
  }
}

static __device__ __forceinline__ void hideQueries(
    float (&weights)[CHUNK / 2], bool hides, int firstQuery, int queries, int key, int window) {
  if (hides) {
    int query = firstQuery + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < CHUNK / 2; i++) {
      int column = query + i / 4 * 8 + i % 2;
      if (column >= queries || !sees(column, key + (i / 2 % 2) * 8, window)) {
        weights[i] = 0.0f;
      }
    }
  }
}

// The probabilities are taken as they were rounded for the values' gradient: it spares registers.
static __device__ __forceinline__ void scoreGradientsOfColumns(
    float (&products)[CHUNK / 2], const u32 (&weights)[CHUNK / 16][4], u32 statistics) {
#pragma unroll
  for (int j = 0; j < CHUNK / 8; j++) {
    float2 deltas = loadPair(statistics + CHUNK * 4 + j * 32);
#pragma unroll
    for (int r = 0; r < 2; r++) {
      u32 pair = weights[j / 2][j % 2 * 2 + r];
      int i = 4 * j + 2 * r;
      products[i] = __uint_as_float(pair << 16) * (products[i] - deltas.x);
      products[i + 1] = __uint_as_float(pair & 0xffff0000u) * (products[i + 1] - deltas.y);
    }
  }
}

// dq of 128 queries of one head.
extern "C" __global__ void __launch_bounds__(3 * GROUP, 1) attentionQueryGradient(
    const __grid_constant__ TensorMap dOut, const __grid_constant__ TensorMap q,
    const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
    const float* logSumExp, const float* delta, element* dq, long long dqStride, const int4* runs,
    const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 gradients = queries + TILE_BYTES;
  u32 keys = gradients + TILE_BYTES;
  u32 values = keys + STAGES * CHUNK_BYTES;
  u32 tileFull = values + STAGES * CHUNK_BYTES;
  u32 full = tileFull + 8;
  u32 empty = full + 8 * STAGES;
  if (threadIdx.x == 0) {
    initialize(tileFull, 1);
    for (int stage = 0; stage < STAGES; stage++) {
      initialize(full + 8 * stage, 1);
      initialize(empty + 8 * stage, 2 * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int head = blockIdx.x % heads;
  int2 tile = tiles[blockIdx.x / heads];
  int4 run = runs[tile.x];
  int rows = min(TILE_ROWS, run.y - tile.y);
  int position = run.w - run.y + tile.y;
  int firstRow = run.x + tile.y;
  int firstChunk = max(0, position - window + 1) / CHUNK;
  int chunks = (position + rows + CHUNK - 1) / CHUNK;
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<24>();
    if (threadIdx.x == 0) {
      expect(tileFull, 2 * TILE_BYTES);
      fetchTile<TILE_ROWS>(queries, &q, head, firstRow, tileFull);
      fetchTile<TILE_ROWS>(gradients, &dOut, head, firstRow, tileFull);
      Place place = {0, 0};
      for (int chunk = firstChunk; chunk < chunks; chunk++) {
        u32 barrier = full + 8 * place.stage;
        await(empty + 8 * place.stage, place.parity ^ 1);
        expect(barrier, 2 * CHUNK_BYTES);
        int row = run.z + chunk * CHUNK;
        fetchTile<CHUNK>(keys + place.stage * CHUNK_BYTES, &k, head / group, row, barrier);
        fetchTile<CHUNK>(values + place.stage * CHUNK_BYTES, &v, head / group, row, barrier);
        advance<STAGES>(place);
      }
    }
  } else {
    takeRegisters<240>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    bool signals = thread % 32 == 0;
    int ownRow = member * 64 + thread / 32 * 16 + thread % 32 / 4;
    int lowest = position + member * 64;
    u32 ownQueries = queries + member * 64 * 128;
    u32 ownGradients = gradients + member * 64 * 128;
    float factor = scale * LOG2E;
    float logs[2];
    float deltas[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int row = ownRow + 8 * r;
      long long index = (long long)(firstRow + row) * heads + head;
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
    Place place = {0, 0};
    await(tileFull, 0);
    await(full, 0);
    beginProducts();
    scoreProducts<CHUNK>(scores, ownQueries, TILE_PANEL, keys, CHUNK_PANEL);
    scoreProducts<CHUNK>(products, ownGradients, TILE_PANEL, values, CHUNK_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(scores);
    settle(products);
    int firstKey = firstChunk * CHUNK;
    bool hides = firstKey + CHUNK - 1 > lowest || lowest + 63 - firstKey >= window;
    weigh(scores, logs, factor);
    hideKeys(scores, hides, position + ownRow, firstKey, window);
    scoreGradients(scores, products, deltas);
    packAll<CHUNK>(scores, weights);
    int previous = 0;
    advance<STAGES>(place);
    for (int chunk = firstChunk + 1; chunk < chunks; chunk++) {
      await(full + 8 * place.stage, place.parity);
      beginProducts();
      scoreProducts<CHUNK>(
          scores, ownQueries, TILE_PANEL, keys + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      scoreProducts<CHUNK>(
          products, ownGradients, TILE_PANEL, values + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      weightedSum<CHUNK>(sums, weights, keys + previous * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<2>();
      settle(scores);
      firstKey = chunk * CHUNK;
      hides = firstKey + CHUNK - 1 > lowest || lowest + 63 - firstKey >= window;
      weigh(scores, logs, factor);
      hideKeys(scores, hides, position + ownRow, firstKey, window);
      awaitProducts<1>();
      settle(products);
      scoreGradients(scores, products, deltas);
      awaitProducts<0>();
      settle(sums);
      if (signals) {
        arrive(empty + 8 * previous);
      }
      packAll<CHUNK>(scores, weights);
      previous = place.stage;
      advance<STAGES>(place);
    }
    beginProducts();
    weightedSum<CHUNK>(sums, weights, keys + previous * CHUNK_BYTES, CHUNK_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(sums);
    storeRows(
        sums, scale, scale, ownQueries, TILE_PANEL, 4 + member,
        dq + (firstRow + member * 64) * dqStride + head * HEAD_SIZE, dqStride, rows - member * 64);
  }
}

// dk and dv of 128 keys of one key/value head: all query heads of its group, one after another.
// Scores are transposed: keys along rows, queries along columns.
extern "C" __global__ void __launch_bounds__(3 * GROUP, 1) attentionKeyGradient(
    const __grid_constant__ TensorMap dOut, const __grid_constant__ TensorMap q,
    const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
    const float* logSumExp, const float* delta, element* dk, long long dkStride, element* dv,
    long long dvStride, const int4* runs, const int2* tiles, int heads, int group, float scale,
    int window) {
  extern __shared__ char dynamicShared[];
  u32 keys = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 values = keys + TILE_BYTES;
  u32 queries = values + TILE_BYTES;
  u32 gradients = queries + STAGES * CHUNK_BYTES;
  u32 statistics = gradients + STAGES * CHUNK_BYTES;
  u32 tileFull = statistics + STAGES * CHUNK * 8;
  u32 full = tileFull + 8;
  u32 empty = full + 8 * STAGES;
  if (threadIdx.x == 0) {
    initialize(tileFull, 1);
    for (int stage = 0; stage < STAGES; stage++) {
      initialize(full + 8 * stage, 1 + 32);
      initialize(empty + 8 * stage, 2 * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int keyHead = blockIdx.x % (heads / group);
  int2 tile = tiles[blockIdx.x / (heads / group)];
  int4 run = runs[tile.x];
  int rows = min(TILE_ROWS, run.w - tile.y);
  int firstRow = run.z + tile.y;
  int firstChunk = tile.y / CHUNK;
  int last = (int)min((long long)run.w, (long long)tile.y + rows - 1 + window);
  int chunks = (last + CHUNK - 1) / CHUNK;
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<24>();
    if (threadIdx.x == 0) {
      expect(tileFull, 2 * TILE_BYTES);
      fetchTile<TILE_ROWS>(keys, &k, keyHead, firstRow, tileFull);
      fetchTile<TILE_ROWS>(values, &v, keyHead, firstRow, tileFull);
      Place place = {0, 0};
      for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
        for (int chunk = firstChunk; chunk < chunks; chunk++) {
          u32 barrier = full + 8 * place.stage;
          await(empty + 8 * place.stage, place.parity ^ 1);
          expect(barrier, 2 * CHUNK_BYTES);
          int row = run.x + chunk * CHUNK;
          fetchTile<CHUNK>(queries + place.stage * CHUNK_BYTES, &q, head, row, barrier);
          fetchTile<CHUNK>(gradients + place.stage * CHUNK_BYTES, &dOut, head, row, barrier);
          advance<STAGES>(place);
        }
      }
    } else if (threadIdx.x >= 32 && threadIdx.x < 64) {
      int lane = threadIdx.x - 32;
      Place place = {0, 0};
      for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
        for (int chunk = firstChunk; chunk < chunks; chunk++) {
          await(empty + 8 * place.stage, place.parity ^ 1);
#pragma unroll
          for (int part = 0; part < 2; part++) {
            int query = chunk * CHUNK + part * 32 + lane;
            bool present = query < run.y;
            long long index = (long long)(run.x + query) * heads + head;
            float log = present ? logSumExp[index] * LOG2E : 0.0f;
            float difference = present ? delta[index] : 0.0f;
            u32 at = statistics + place.stage * CHUNK * 8 + (part * 32 + lane) * 4;
            asm volatile("st.shared.f32 [%0], %1;" ::"r"(at), "f"(log) : "memory");
            asm volatile("st.shared.f32 [%0], %1;" ::"r"(at + CHUNK * 4), "f"(difference)
                         : "memory");
          }
          arrive(full + 8 * place.stage);
          advance<STAGES>(place);
        }
      }
    }
  } else {
    takeRegisters<240>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    bool signals = thread % 32 == 0;
    int lowest = tile.y + member * 64;
    int key = lowest + thread / 32 * 16 + thread % 32 / 4;
    u32 ownKeys = keys + member * 64 * 128;
    u32 ownValues = values + member * 64 * 128;
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
    Place place = {0, 0};
    await(tileFull, 0);
    await(full, 0);
    beginProducts();
    scoreProducts<CHUNK>(scores, ownKeys, TILE_PANEL, queries, CHUNK_PANEL);
    scoreProducts<CHUNK>(products, ownValues, TILE_PANEL, gradients, CHUNK_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(scores);
    settle(products);
    int chunk = firstChunk;
    u32 ownStatistics = statistics + thread % 4 * 8;
    weighColumns(scores, ownStatistics, factor);
    hideQueries(scores, true, chunk * CHUNK, run.y, key, window);
    packAll<CHUNK>(scores, weights);
    beginProducts();
    weightedSum<CHUNK>(valueSums, weights, gradients, CHUNK_PANEL);
    commitProducts();
    scoreGradientsOfColumns(products, weights, ownStatistics);
    packAll<CHUNK>(products, differences);
    awaitProducts<0>();
    settle(valueSums);
    int previous = 0;
    advance<STAGES>(place);
    for (int left = group * (chunks - firstChunk) - 1; left > 0; left--) {
      if (++chunk == chunks) {
        chunk = firstChunk;
      }
      await(full + 8 * place.stage, place.parity);
      beginProducts();
      scoreProducts<CHUNK>(
          scores, ownKeys, TILE_PANEL, queries + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      scoreProducts<CHUNK>(
          products, ownValues, TILE_PANEL, gradients + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      weightedSum<CHUNK>(keySums, differences, queries + previous * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<2>();
      settle(scores);
      int firstQuery = chunk * CHUNK;
      bool hides = firstQuery < lowest + 63 || firstQuery + CHUNK - 1 - lowest >= window
          || firstQuery + CHUNK > run.y;
      ownStatistics = statistics + place.stage * CHUNK * 8 + thread % 4 * 8;
      weighColumns(scores, ownStatistics, factor);
      hideQueries(scores, hides, firstQuery, run.y, key, window);
      packAll<CHUNK>(scores, weights);
      beginProducts();
      weightedSum<CHUNK>(
          valueSums, weights, gradients + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<1>();
      settle(products);
      settle(keySums);
      if (signals) {
        arrive(empty + 8 * previous);
      }
      scoreGradientsOfColumns(products, weights, ownStatistics);
      packAll<CHUNK>(products, differences);
      awaitProducts<0>();
      settle(valueSums);
      previous = place.stage;
      advance<STAGES>(place);
    }
    beginProducts();
    weightedSum<CHUNK>(keySums, differences, queries + previous * CHUNK_BYTES, CHUNK_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(keySums);
    int valid = rows - member * 64;
    long long row = firstRow + member * 64;
    storeRows(
        keySums, scale, scale, ownKeys, TILE_PANEL, 4 + member,
        dk + row * dkStride + keyHead * HEAD_SIZE, dkStride, valid);
    storeRows(
        valueSums, 1.0f, 1.0f, ownValues, TILE_PANEL, 4 + member,
        dv + row * dvStride + keyHead * HEAD_SIZE, dvStride, valid);
  }
}

// sum + the products of two pairs of bf16.
static __device__ __forceinline__ float addProducts(u32 a, u32 b, float sum) {
  sum = fmaf(__uint_as_float(a << 16), __uint_as_float(b << 16), sum);
  return fmaf(__uint_as_float(a & 0xffff0000u), __uint_as_float(b & 0xffff0000u), sum);
}

// delta[n, h] = dOut[n, h] · out[n, h]; eight lanes a head of a token.
extern "C" __global__ void attentionDelta(
    const element* dOut, long long dOutStride, const element* out, long long outStride,
    float* delta, long long count, int heads) {
  long long index = (blockIdx.x * (long long)blockDim.x + threadIdx.x) / 8;
  int lane = threadIdx.x % 8;
  float sum = 0.0f;
  if (index < count) {
    long long row = index / heads;
    int column = index % heads * HEAD_SIZE;
    const uint4* left = (const uint4*)(dOut + row * dOutStride + column);
    const uint4* right = (const uint4*)(out + row * outStride + column);
    for (int i = lane; i < HEAD_SIZE / 8; i += 8) {
      uint4 a = left[i];
      uint4 b = right[i];
      sum = addProducts(a.x, b.x, sum);
      sum = addProducts(a.y, b.y, sum);
      sum = addProducts(a.z, b.z, sum);
      sum = addProducts(a.w, b.w, sum);
    }
  }
  for (int step = 4; step > 0; step /= 2) {
    sum += __shfl_xor_sync(~0u, sum, step);
  }
  if (index < count && lane == 0) {
    delta[index] = sum;
  }
}
