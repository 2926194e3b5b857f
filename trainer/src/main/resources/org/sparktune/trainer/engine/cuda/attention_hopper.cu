// Attention on Hopper: see attention_hopper.cuh for its parts and macros.
#include "attention_hopper.cuh"

static __device__ __forceinline__ void groupArrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

#define QUERY_GROUPS (HEAD_SIZE > 64 ? 2 : 3)
#define QUERY_ROWS (QUERY_GROUPS * 64)
#define FORWARD_KEYS 128
#define FORWARD_STAGES 2
#define QUERY_PANEL (QUERY_ROWS * 128)
#define KEY_PANEL (FORWARD_KEYS * 128)
#define KEY_BYTES (KEY_PANEL * PANELS)

// The running softmax of a thread's two rows.
struct Softmax {
  float maxima[2];
  float totals[2];
};

// Turns scores into exponentials; correction is what earlier sums are multiplied by.
static __device__ __forceinline__ void exponentials(
    float (&scores)[FORWARD_KEYS / 2], Softmax& softmax, float (&correction)[2], float factor) {
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float maximum = softmax.maxima[r];
#pragma unroll
    for (int j = 0; j < FORWARD_KEYS / 8; j++) {
      maximum = fmaxf(maximum, fmaxf(scores[4 * j + 2 * r], scores[4 * j + 2 * r + 1]));
    }
    maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, 1));
    maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, 2));
    float used = maximum == MINUS_INFINITY ? 0.0f : maximum * factor;
    correction[r] = exponential2(softmax.maxima[r] * factor - used);
    softmax.maxima[r] = maximum;
    float total = 0.0f;
#pragma unroll
    for (int j = 0; j < FORWARD_KEYS / 8; j++) {
#pragma unroll
      for (int e = 0; e < 2; e++) {
        float weight = exponential2(fmaf(scores[4 * j + 2 * r + e], factor, -used));
        scores[4 * j + 2 * r + e] = weight;
        total += weight;
      }
    }
    softmax.totals[r] = softmax.totals[r] * correction[r] + total;
  }
}

// Hides keys that queries may not see; query is the position of the thread's first row.
static __device__ __forceinline__ void maskKeys(
    float (&scores)[FORWARD_KEYS / 2], int query, int firstKey, int window) {
  int key = firstKey + threadIdx.x % 4 * 2;
#pragma unroll
  for (int i = 0; i < FORWARD_KEYS / 2; i++) {
    if (!sees(query + (i / 2 % 2) * 8, key + i / 4 * 8 + i % 2, window)) {
      scores[i] = MINUS_INFINITY;
    }
  }
}

extern "C" __global__ void __launch_bounds__((QUERY_GROUPS + 1) * GROUP, 1) attentionForward(
    const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
    const __grid_constant__ TensorMap v, element* out, long long outStride, float* logSumExp,
    const int4* runs, const int2* tiles, int heads, int group, float scale, int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 keys = queries + QUERY_PANEL * PANELS;
  u32 values = keys + FORWARD_STAGES * KEY_BYTES;
  u32 queryFull = values + FORWARD_STAGES * KEY_BYTES;
  u32 keyFull = queryFull + 8;
  u32 keyEmpty = keyFull + 8 * FORWARD_STAGES;
  u32 valueFull = keyEmpty + 8 * FORWARD_STAGES;
  u32 valueEmpty = valueFull + 8 * FORWARD_STAGES;
  if (threadIdx.x == 0) {
    initialize(queryFull, 1);
    for (int stage = 0; stage < FORWARD_STAGES; stage++) {
      initialize(keyFull + 8 * stage, 1);
      initialize(valueFull + 8 * stage, 1);
      initialize(keyEmpty + 8 * stage, QUERY_GROUPS * 4);
      initialize(valueEmpty + 8 * stage, QUERY_GROUPS * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int head = blockIdx.x % heads;
  int2 tile = tiles[blockIdx.x / heads];
  int4 run = runs[tile.x];
  int rows = min(QUERY_ROWS, run.y - tile.y);
  int position = run.w - run.y + tile.y;
  int firstRow = run.x + tile.y;
  int firstChunk = max(0, position - window + 1) / FORWARD_KEYS;
  int chunks = (position + rows + FORWARD_KEYS - 1) / FORWARD_KEYS;
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<QUERY_GROUPS == 2 ? 24 : 32>();
    if (threadIdx.x == 0) {
      expect(queryFull, QUERY_PANEL * PANELS);
      fetchTile<QUERY_ROWS>(queries, &q, head, firstRow, queryFull);
      Place place = {0, 0};
      for (int chunk = chunks - 1; chunk >= firstChunk; chunk--) {
        int row = run.z + chunk * FORWARD_KEYS;
        u32 full = keyFull + 8 * place.stage;
        await(keyEmpty + 8 * place.stage, place.parity ^ 1);
        expect(full, KEY_BYTES);
        fetchTile<FORWARD_KEYS>(keys + place.stage * KEY_BYTES, &k, head / group, row, full);
        full = valueFull + 8 * place.stage;
        await(valueEmpty + 8 * place.stage, place.parity ^ 1);
        expect(full, KEY_BYTES);
        fetchTile<FORWARD_KEYS>(values + place.stage * KEY_BYTES, &v, head / group, row, full);
        advance<FORWARD_STAGES>(place);
      }
    }
  } else {
    takeRegisters<QUERY_GROUPS == 2 ? 240 : 160>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    bool signals = thread % 32 == 0;
    int query = position + member * 64 + thread / 32 * 16 + thread % 32 / 4;
    int lowest = position + member * 64;
    u32 ownQueries = queries + member * 64 * 128;
    float factor = scale * LOG2E;
    float scores[FORWARD_KEYS / 2];
    u32 weights[FORWARD_KEYS / 16][4];
    float sums[WIDTH / 2];
    float correction[2];
    Softmax softmax = {{MINUS_INFINITY, MINUS_INFINITY}, {0.0f, 0.0f}};
#pragma unroll
    for (int i = 0; i < WIDTH / 2; i++) {
      sums[i] = 0.0f;
    }
    // The groups take turns at issuing products, so that one's softmax runs beside others' products.
    int turn = 1 + member;
    int nextTurn = 1 + (member + 1) % QUERY_GROUPS;
    if (member == QUERY_GROUPS - 1) {
      groupArrive(nextTurn, 2 * GROUP);
    }
    Place keyPlace = {0, 0};
    Place valuePlace = {0, 0};
    await(queryFull, 0);
    await(keyFull, 0);
    beginProducts();
    scoreProducts<FORWARD_KEYS>(scores, ownQueries, QUERY_PANEL, keys, KEY_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(scores);
    if (signals) {
      arrive(keyEmpty);
    }
    advance<FORWARD_STAGES>(keyPlace);
    int firstKey = (chunks - 1) * FORWARD_KEYS;
    maskKeys(scores, query, firstKey, window);
    exponentials(scores, softmax, correction, factor);
    packAll<FORWARD_KEYS>(scores, weights);
    for (int chunk = chunks - 2; chunk >= firstChunk; chunk--) {
      await(keyFull + 8 * keyPlace.stage, keyPlace.parity);
      groupBarrier(turn, 2 * GROUP);
      beginProducts();
      scoreProducts<FORWARD_KEYS>(
          scores, ownQueries, QUERY_PANEL, keys + keyPlace.stage * KEY_BYTES, KEY_PANEL);
      commitProducts();
      await(valueFull + 8 * valuePlace.stage, valuePlace.parity);
      weightedSum<FORWARD_KEYS>(
          sums, weights, values + valuePlace.stage * KEY_BYTES, KEY_PANEL);
      commitProducts();
      groupArrive(nextTurn, 2 * GROUP);
      awaitProducts<1>();
      settle(scores);
      if (signals) {
        arrive(keyEmpty + 8 * keyPlace.stage);
      }
      advance<FORWARD_STAGES>(keyPlace);
      firstKey = chunk * FORWARD_KEYS;
      if (firstKey + FORWARD_KEYS - 1 > lowest || lowest + 63 - firstKey >= window) {
        maskKeys(scores, query, firstKey, window);
      }
      exponentials(scores, softmax, correction, factor);
      awaitProducts<0>();
      settle(sums);
      if (signals) {
        arrive(valueEmpty + 8 * valuePlace.stage);
      }
      advance<FORWARD_STAGES>(valuePlace);
#pragma unroll
      for (int i = 0; i < WIDTH / 2; i++) {
        sums[i] *= correction[i / 2 % 2];
      }
      packAll<FORWARD_KEYS>(scores, weights);
    }
    await(valueFull + 8 * valuePlace.stage, valuePlace.parity);
    beginProducts();
    weightedSum<FORWARD_KEYS>(sums, weights, values + valuePlace.stage * KEY_BYTES, KEY_PANEL);
    commitProducts();
    awaitProducts<0>();
    settle(sums);
    float factors[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float total = softmax.totals[r];
      total += __shfl_xor_sync(~0u, total, 1);
      total += __shfl_xor_sync(~0u, total, 2);
      factors[r] = 1.0f / total;
      int row = query - position + 8 * r;
      if (logSumExp != nullptr && thread % 4 == 0 && row < rows) {
        logSumExp[(long long)(firstRow + row) * heads + head] =
            softmax.maxima[r] * scale + log2f(total) * LN2;
      }
    }
    storeRows(
        sums, factors[0], factors[1], ownQueries, QUERY_PANEL, 4 + member,
        out + (firstRow + member * 64) * outStride + head * HEAD_SIZE, outStride,
        rows - member * 64);
  }
}
