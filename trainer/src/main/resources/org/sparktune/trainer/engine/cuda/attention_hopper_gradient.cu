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

// The barriers at which a stage's numbers have been read; those before are of other uses.
#define FIRST_READ 8

// A warp puts so many queries' logSumExp, for base 2, and then their delta to shared memory; zeros
// after the last.
template <int ROWS>
static __device__ __forceinline__ void tellStatistics(
    u32 to, const float* logSumExp, const float* delta, int firstRow, int rows, int heads,
    int head) {
#pragma unroll
  for (int part = 0; part < ROWS / 32; part++) {
    int row = part * 32 + threadIdx.x % 32;
    long long index = (long long)(firstRow + row) * heads + head;
    float log = row < rows ? logSumExp[index] * LOG2E : 0.0f;
    float difference = row < rows ? delta[index] : 0.0f;
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(to + row * 4), "f"(log) : "memory");
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(to + (ROWS + row) * 4), "f"(difference)
                 : "memory");
  }
}

// dq of QUERY_ROWS queries of one head.
extern "C" __global__ void __launch_bounds__((QUERY_GROUPS + 1) * GROUP, 1) attentionQueryGradient(
    const __grid_constant__ TensorMap dOut, const __grid_constant__ TensorMap q,
    const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
    const float* logSumExp, const float* delta, element* dq, long long dqStride, const int4* runs,
    const int2* tiles, int count, int heads, int group, float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 gradients = queries + QUERY_BYTES;
  u32 results = gradients + QUERY_BYTES;
  u32 keys = results + QUERY_BYTES;
  u32 values = keys + STAGES * CHUNK_BYTES;
  u32 statistics = values + STAGES * CHUNK_BYTES;
  u32 workAddress = statistics + QUERY_ROWS * 8;
  u32 tileFull = workAddress + sizeof(Work);
  u32 tileEmpty = tileFull + 8;
  u32 full = tileEmpty + 8;
  u32 empty = full + 8 * STAGES;
  if (threadIdx.x == 0) {
    initialize(tileFull, 1 + 32);
    initialize(tileEmpty, QUERY_GROUPS * 4);
    for (int stage = 0; stage < STAGES; stage++) {
      initialize(full + 8 * stage, 1);
      initialize(empty + 8 * stage, QUERY_GROUPS * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<QUERY_GROUPS == 2 ? 40 : 32>();
    if (threadIdx.x == 0) {
      Place place = {0, 0};
      int index = workOf(0);
      for (int round = 0; index < count; index = workOf(++round)) {
        int head = index % heads;
        int2 tile = tiles[index / heads];
        int4 run = runs[tile.x];
        Work work;
        work.head = head;
        work.firstRow = run.x + tile.y;
        work.rows = min(QUERY_ROWS, run.y - tile.y);
        work.position = run.w - run.y + tile.y;
        work.firstChunk = max(0, work.position - window + 1) / CHUNK;
        work.chunks = (work.position + work.rows + CHUNK - 1) / CHUNK;
        await(tileEmpty, round % 2 ^ 1);
        tell(workAddress, work);
        expect(tileFull, 2 * QUERY_BYTES);
        fetchTile<QUERY_ROWS>(queries, &q, head, work.firstRow, tileFull);
        fetchTile<QUERY_ROWS>(gradients, &dOut, head, work.firstRow, tileFull);
        for (int chunk = work.firstChunk; chunk < work.chunks; chunk++) {
          u32 barrier = full + 8 * place.stage;
          await(empty + 8 * place.stage, place.parity ^ 1);
          expect(barrier, 2 * CHUNK_BYTES);
          int row = run.z + chunk * CHUNK;
          fetchTile<CHUNK>(keys + place.stage * CHUNK_BYTES, &k, head / group, row, barrier);
          fetchTile<CHUNK>(values + place.stage * CHUNK_BYTES, &v, head / group, row, barrier);
          advance<STAGES>(place);
        }
      }
    } else if (threadIdx.x >= 32 && threadIdx.x < 64) {
      int index = workOf(0);
      for (int round = 0; index < count; index = workOf(++round)) {
        int head = index % heads;
        int2 tile = tiles[index / heads];
        int4 run = runs[tile.x];
        await(tileEmpty, round % 2 ^ 1);
        tellStatistics<QUERY_ROWS>(
            statistics, logSumExp, delta, run.x + tile.y, run.y - tile.y, heads, head);
        arrive(tileFull);
      }
    }
  } else {
    takeRegisters<QUERY_GROUPS == 2 ? 232 : 160>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    int ownRow = member * 64 + thread / 32 * 16 + thread % 32 / 4;
    u32 ownQueries = queries + member * 64 * 128;
    u32 ownGradients = gradients + member * 64 * 128;
    float factor = scale * LOG2E;
    Place place = {0, 0};
    for (int round = 0; workOf(round) < count; round++) {
      await(tileFull, round % 2);
      Work work = told(workAddress);
      int lowest = work.position + member * 64;
      int ownChunks = min(work.chunks, (lowest + 63) / CHUNK + 1);
      float logs[2];
      float deltas[2];
#pragma unroll
      for (int r = 0; r < 2; r++) {
        logs[r] = loadFloat(statistics + (ownRow + 8 * r) * 4);
        deltas[r] = loadFloat(statistics + (QUERY_ROWS + ownRow + 8 * r) * 4);
      }
      float scores[CHUNK / 2];
      float products[CHUNK / 2];
      u32 weights[CHUNK / 16][4];
      float sums[WIDTH / 2];
#pragma unroll
      for (int i = 0; i < WIDTH / 2; i++) {
        sums[i] = 0.0f;
      }
      await(full + 8 * place.stage, place.parity);
      beginProducts();
      scoreProducts<CHUNK>(
          scores, ownQueries, QUERY_PANEL, keys + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      scoreProducts<CHUNK>(
          products, ownGradients, QUERY_PANEL, values + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(scores);
      settle(products);
      int firstKey = work.firstChunk * CHUNK;
      bool hides = firstKey + CHUNK - 1 > lowest || lowest + 63 - firstKey >= window;
      weigh<CHUNK>(scores, logs, factor);
      hideKeys<CHUNK>(scores, hides, work.position + ownRow, firstKey, window);
      scoreGradients<CHUNK>(scores, products, deltas);
      packAll<CHUNK>(scores, weights);
      int previous = place.stage;
      advance<STAGES>(place);
      for (int chunk = work.firstChunk + 1; chunk < ownChunks; chunk++) {
        await(full + 8 * place.stage, place.parity);
        beginProducts();
        scoreProducts<CHUNK>(
            scores, ownQueries, QUERY_PANEL, keys + place.stage * CHUNK_BYTES, CHUNK_PANEL);
        commitProducts();
        scoreProducts<CHUNK>(
            products, ownGradients, QUERY_PANEL, values + place.stage * CHUNK_BYTES, CHUNK_PANEL);
        commitProducts();
        weightedSum<CHUNK>(sums, weights, keys + previous * CHUNK_BYTES, CHUNK_PANEL);
        commitProducts();
        awaitProducts<2>();
        settle(scores);
        firstKey = chunk * CHUNK;
        hides = firstKey + CHUNK - 1 > lowest || lowest + 63 - firstKey >= window;
        weigh<CHUNK>(scores, logs, factor);
        hideKeys<CHUNK>(scores, hides, work.position + ownRow, firstKey, window);
        awaitProducts<1>();
        settle(products);
        scoreGradients<CHUNK>(scores, products, deltas);
        awaitProducts<0>();
        settle(sums);
        release(empty + 8 * previous);
        packAll<CHUNK>(scores, weights);
        previous = place.stage;
        advance<STAGES>(place);
      }
      release(tileEmpty);
      beginProducts();
      weightedSum<CHUNK>(sums, weights, keys + previous * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(sums);
      release(empty + 8 * previous);
      // Chunks that lie behind the group's last row.
      for (int chunk = ownChunks; chunk < work.chunks; chunk++) {
        await(full + 8 * place.stage, place.parity);
        release(empty + 8 * place.stage);
        advance<STAGES>(place);
      }
      storeRows(
          sums, scale, scale, results + member * 64 * 128, QUERY_PANEL, 4 + member,
          dq + (work.firstRow + member * 64) * dqStride + work.head * HEAD_SIZE, dqStride,
          work.rows - member * 64);
    }
  }
}

// dk and dv of 128 keys of one key/value head: all query heads of its group, one after another.
// Scores are transposed: keys along rows, queries along columns.
extern "C" __global__ void __launch_bounds__(3 * GROUP, 1) attentionKeyGradient(
    const __grid_constant__ TensorMap dOut, const __grid_constant__ TensorMap q,
    const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
    const float* logSumExp, const float* delta, element* dk, long long dkStride, element* dv,
    long long dvStride, const int4* runs, const int2* tiles, int count, int heads, int group,
    float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 keys = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 values = keys + TILE_BYTES;
  u32 results = values + TILE_BYTES;
  u32 queries = results + TILE_BYTES;
  u32 gradients = queries + STAGES * CHUNK_BYTES;
  u32 statistics = gradients + STAGES * CHUNK_BYTES;
  u32 workAddress = statistics + STAGES * CHUNK * 8;
  u32 tileFull = workAddress + sizeof(Work);
  u32 tileEmpty = tileFull + 8;
  u32 full = tileEmpty + 8;
  u32 empty = full + 8 * STAGES;
  if (threadIdx.x == 0) {
    initialize(tileFull, 1);
    initialize(tileEmpty, 2 * 4);
    for (int stage = 0; stage < STAGES; stage++) {
      initialize(full + 8 * stage, 1 + 32);
      initialize(empty + 8 * stage, 2 * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int keyHeads = heads / group;
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<WIDTH == 128 ? 24 : 40>();
    // The first thread fetches tiles, the second warp brings what belongs to their queries.
    if (threadIdx.x == 0 || threadIdx.x / 32 == 1) {
      Place place = {0, 0};
      int filled = 0;
      int index = workOf(0);
      for (int round = 0; index < count; index = workOf(++round)) {
        int keyHead = index % keyHeads;
        int2 tile = tiles[index / keyHeads];
        int4 run = runs[tile.x];
        Work work;
        work.head = keyHead;
        work.firstRow = run.z + tile.y;
        work.rows = min(TILE_ROWS, run.w - tile.y);
        work.position = tile.y;
        work.firstChunk = tile.y / CHUNK;
        int last = (int)min((long long)run.w, (long long)tile.y + work.rows - 1 + window);
        work.chunks = (last + CHUNK - 1) / CHUNK;
        work.queries = run.y;
        if (threadIdx.x == 0) {
          await(tileEmpty, round % 2 ^ 1);
          tell(workAddress, work);
          expect(tileFull, 2 * TILE_BYTES);
          fetchTile<TILE_ROWS>(keys, &k, keyHead, work.firstRow, tileFull);
          fetchTile<TILE_ROWS>(values, &v, keyHead, work.firstRow, tileFull);
        }
        for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
          for (int chunk = work.firstChunk; chunk < work.chunks; chunk++) {
            u32 barrier = full + 8 * place.stage;
            int row = run.x + chunk * CHUNK;
            if (threadIdx.x == 0) {
              await(empty + 8 * place.stage, place.parity ^ 1);
              expect(barrier, 2 * CHUNK_BYTES);
              fetchTile<CHUNK>(queries + place.stage * CHUNK_BYTES, &q, head, row, barrier);
              fetchTile<CHUNK>(gradients + place.stage * CHUNK_BYTES, &dOut, head, row, barrier);
            } else {
              // Ordinary memory between warps: a hardware barrier of each stage guards it.
              if (filled >= STAGES) {
                groupBarrier(FIRST_READ + place.stage, 2 * GROUP + 32);
              }
              filled++;
              tellStatistics<CHUNK>(
                  statistics + place.stage * CHUNK * 8, logSumExp, delta, row,
                  run.y - chunk * CHUNK, heads, head);
              arrive(barrier);
            }
            advance<STAGES>(place);
          }
        }
      }
      // Nobody waits at a barrier that nobody leaves.
      for (int left = min(filled, STAGES); left > 0; left--) {
        groupBarrier(FIRST_READ + (filled - left) % STAGES, 2 * GROUP + 32);
      }
    }
  } else {
    takeRegisters<WIDTH == 128 ? 240 : 232>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    u32 ownKeys = keys + member * 64 * 128;
    u32 ownValues = values + member * 64 * 128;
    u32 ownResults = results + member * 64 * 128;
    float factor = scale * LOG2E;
    Place place = {0, 0};
    for (int round = 0; workOf(round) < count; round++) {
      await(tileFull, round % 2);
      Work work = told(workAddress);
      int lowest = work.position + member * 64;
      int key = lowest + thread / 32 * 16 + thread % 32 / 4;
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
      await(full + 8 * place.stage, place.parity);
      beginProducts();
      scoreProducts<CHUNK>(
          scores, ownKeys, TILE_PANEL, queries + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      scoreProducts<CHUNK>(
          products, ownValues, TILE_PANEL, gradients + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(scores);
      settle(products);
      int chunk = work.firstChunk;
      u32 ownStatistics = statistics + place.stage * CHUNK * 8 + thread % 4 * 8;
      weighColumns<CHUNK>(scores, ownStatistics, factor);
      hideQueries<CHUNK>(scores, true, chunk * CHUNK, work.queries, key, window);
      packAll<CHUNK>(scores, weights);
      beginProducts();
      weightedSum<CHUNK>(
          valueSums, weights, gradients + place.stage * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      scoreGradientsOfColumns<CHUNK>(products, weights, ownStatistics);
      groupArrive(FIRST_READ + place.stage, 2 * GROUP + 32);
      packAll<CHUNK>(products, differences);
      awaitProducts<0>();
      settle(valueSums);
      int previous = place.stage;
      advance<STAGES>(place);
      for (int left = group * (work.chunks - work.firstChunk) - 1; left > 0; left--) {
        if (++chunk == work.chunks) {
          chunk = work.firstChunk;
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
            || firstQuery + CHUNK > work.queries;
        ownStatistics = statistics + place.stage * CHUNK * 8 + thread % 4 * 8;
        weighColumns<CHUNK>(scores, ownStatistics, factor);
        hideQueries<CHUNK>(scores, hides, firstQuery, work.queries, key, window);
        packAll<CHUNK>(scores, weights);
        beginProducts();
        weightedSum<CHUNK>(
            valueSums, weights, gradients + place.stage * CHUNK_BYTES, CHUNK_PANEL);
        commitProducts();
        awaitProducts<1>();
        settle(products);
        settle(keySums);
        release(empty + 8 * previous);
        scoreGradientsOfColumns<CHUNK>(products, weights, ownStatistics);
        groupArrive(FIRST_READ + place.stage, 2 * GROUP + 32);
        packAll<CHUNK>(products, differences);
        awaitProducts<0>();
        settle(valueSums);
        previous = place.stage;
        advance<STAGES>(place);
      }
      // Read again, so that it takes no registers while products run.
      work = told(workAddress);
      release(tileEmpty);
      beginProducts();
      weightedSum<CHUNK>(keySums, differences, queries + previous * CHUNK_BYTES, CHUNK_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(keySums);
      release(empty + 8 * previous);
      int valid = work.rows - member * 64;
      long long row = work.firstRow + member * 64;
      storeRows(
          keySums, scale, scale, ownResults, TILE_PANEL, 4 + member,
          dk + row * dkStride + work.head * HEAD_SIZE, dkStride, valid);
      storeRows(
          valueSums, 1.0f, 1.0f, ownResults, TILE_PANEL, 4 + member,
          dv + row * dvStride + work.head * HEAD_SIZE, dvStride, valid);
    }
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
