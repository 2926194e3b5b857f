// Attention on Hopper: see attention_hopper.cuh for its parts and macros.
#include "attention_hopper.cuh"

#define FORWARD_KEYS 128
#define FORWARD_STAGES 2
#define KEY_PANEL (FORWARD_KEYS * 128)
#define KEY_BYTES (KEY_PANEL * PANELS)

extern "C" __global__ void __launch_bounds__((QUERY_GROUPS + 1) * GROUP, 1) attentionForward(
    const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,
    const __grid_constant__ TensorMap v, element* out, long long outStride, float* logSumExp,
    const int4* runs, const int2* tiles, int count, int heads, int group, float scale,
    int window) {
  extern __shared__ char dynamicShared[];
  u32 queries = (sharedAddress(dynamicShared) + 1023) / 1024 * 1024;
  u32 results = queries + QUERY_BYTES;
  u32 keys = results + QUERY_BYTES;
  u32 values = keys + FORWARD_STAGES * KEY_BYTES;
  u32 workAddress = values + FORWARD_STAGES * KEY_BYTES;
  u32 queryFull = workAddress + sizeof(Work);
  u32 queryEmpty = queryFull + 8;
  u32 keyFull = queryEmpty + 8;
  u32 keyEmpty = keyFull + 8 * FORWARD_STAGES;
  u32 valueFull = keyEmpty + 8 * FORWARD_STAGES;
  u32 valueEmpty = valueFull + 8 * FORWARD_STAGES;
  if (threadIdx.x == 0) {
    initialize(queryFull, 1);
    initialize(queryEmpty, QUERY_GROUPS * 4);
    for (int stage = 0; stage < FORWARD_STAGES; stage++) {
      initialize(keyFull + 8 * stage, 1);
      initialize(valueFull + 8 * stage, 1);
      initialize(keyEmpty + 8 * stage, QUERY_GROUPS * 4);
      initialize(valueEmpty + 8 * stage, QUERY_GROUPS * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  int warpGroup = threadIdx.x / GROUP;
  if (warpGroup == 0) {
    giveRegisters<QUERY_GROUPS == 2 ? 24 : 32>();
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
        work.firstChunk = max(0, work.position - window + 1) / FORWARD_KEYS;
        work.chunks = (work.position + work.rows + FORWARD_KEYS - 1) / FORWARD_KEYS;
        await(queryEmpty, round % 2 ^ 1);
        tell(workAddress, work);
        expect(queryFull, QUERY_BYTES);
        fetchTile<QUERY_ROWS>(queries, &q, head, work.firstRow, queryFull);
        for (int chunk = work.chunks - 1; chunk >= work.firstChunk; chunk--) {
          int row = run.z + chunk * FORWARD_KEYS;
          u32 full = keyFull + 8 * place.stage;
          await(keyEmpty + 8 * place.stage, place.parity ^ 1);
          expect(full, KEY_BYTES);
          fetchTile<FORWARD_KEYS>(keys + place.stage * KEY_BYTES, &k, head / group, row, full);
          full = valueFull + 8 * place.stage;
          await(valueEmpty + 8 * place.stage, place.parity ^ 1);
          expect(full, KEY_BYTES);
          fetchTile<FORWARD_KEYS>(
              values + place.stage * KEY_BYTES, &v, head / group, row, full);
          advance<FORWARD_STAGES>(place);
        }
      }
    }
  } else {
    takeRegisters<QUERY_GROUPS == 2 ? 240 : 160>();
    int member = warpGroup - 1;
    int thread = threadIdx.x % GROUP;
    int ownRow = member * 64 + thread / 32 * 16 + thread % 32 / 4;
    u32 ownQueries = queries + member * 64 * 128;
    float factor = scale * LOG2E;
    // The groups take turns at issuing products, so that one's softmax runs beside others' products.
    int turn = 1 + member;
    int nextTurn = 1 + (member + 1) % QUERY_GROUPS;
    if (member == QUERY_GROUPS - 1) {
      groupArrive(nextTurn, 2 * GROUP);
    }
    Place keyPlace = {0, 0};
    Place valuePlace = {0, 0};
    for (int round = 0; workOf(round) < count; round++) {
      float scores[FORWARD_KEYS / 2];
      u32 weights[FORWARD_KEYS / 16][4];
      float sums[WIDTH / 2];
      float correction[2];
      Softmax softmax = {{MINUS_INFINITY, MINUS_INFINITY}, {0.0f, 0.0f}};
#pragma unroll
      for (int i = 0; i < WIDTH / 2; i++) {
        sums[i] = 0.0f;
      }
      await(queryFull, round % 2);
      Work work = told(workAddress);
      int query = work.position + ownRow;
      int lowest = work.position + member * 64;
      // A group of rows leaves out the chunks that lie behind its last row, not its turns.
      int ownChunks = min(work.chunks, (lowest + 63) / FORWARD_KEYS + 1);
      for (int skipped = work.chunks; skipped > ownChunks; skipped--) {
        await(keyFull + 8 * keyPlace.stage, keyPlace.parity);
        await(valueFull + 8 * valuePlace.stage, valuePlace.parity);
        release(keyEmpty + 8 * keyPlace.stage);
        release(valueEmpty + 8 * valuePlace.stage);
        advance<FORWARD_STAGES>(keyPlace);
        advance<FORWARD_STAGES>(valuePlace);
        groupBarrier(turn, 2 * GROUP);
        groupArrive(nextTurn, 2 * GROUP);
      }
      await(keyFull + 8 * keyPlace.stage, keyPlace.parity);
      beginProducts();
      scoreProducts<FORWARD_KEYS>(
          scores, ownQueries, QUERY_PANEL, keys + keyPlace.stage * KEY_BYTES, KEY_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(scores);
      release(keyEmpty + 8 * keyPlace.stage);
      advance<FORWARD_STAGES>(keyPlace);
      int firstKey = (ownChunks - 1) * FORWARD_KEYS;
      maskKeys<FORWARD_KEYS>(scores, query, firstKey, window);
      exponentials<FORWARD_KEYS>(scores, softmax, correction, factor);
      packAll<FORWARD_KEYS>(scores, weights);
      for (int chunk = ownChunks - 2; chunk >= work.firstChunk; chunk--) {
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
        release(keyEmpty + 8 * keyPlace.stage);
        advance<FORWARD_STAGES>(keyPlace);
        firstKey = chunk * FORWARD_KEYS;
        if (firstKey + FORWARD_KEYS - 1 > lowest || lowest + 63 - firstKey >= window) {
          maskKeys<FORWARD_KEYS>(scores, query, firstKey, window);
        }
        exponentials<FORWARD_KEYS>(scores, softmax, correction, factor);
        awaitProducts<0>();
        settle(sums);
        release(valueEmpty + 8 * valuePlace.stage);
        advance<FORWARD_STAGES>(valuePlace);
        // Most often no maximum of a warp's rows has grown.
        if (__any_sync(~0u, correction[0] != 1.0f || correction[1] != 1.0f)) {
#pragma unroll
          for (int i = 0; i < WIDTH / 2; i++) {
            sums[i] *= correction[i / 2 % 2];
          }
        }
        packAll<FORWARD_KEYS>(scores, weights);
      }
      release(queryEmpty);
      await(valueFull + 8 * valuePlace.stage, valuePlace.parity);
      beginProducts();
      weightedSum<FORWARD_KEYS>(sums, weights, values + valuePlace.stage * KEY_BYTES, KEY_PANEL);
      commitProducts();
      awaitProducts<0>();
      settle(sums);
      release(valueEmpty + 8 * valuePlace.stage);
      advance<FORWARD_STAGES>(valuePlace);
      float factors[2];
#pragma unroll
      for (int r = 0; r < 2; r++) {
        float total = softmax.totals[r];
        total += __shfl_xor_sync(~0u, total, 1);
        total += __shfl_xor_sync(~0u, total, 2);
        factors[r] = 1.0f / total;
        int row = ownRow + 8 * r;
        if (logSumExp != nullptr && thread % 4 == 0 && row < work.rows) {
          logSumExp[(long long)(work.firstRow + row) * heads + work.head] =
              softmax.maxima[r] * scale + log2f(total) * LN2;
        }
      }
      storeRows(
          sums, factors[0], factors[1], results + member * 64 * 128, QUERY_PANEL, 4 + member,
          out + (work.firstRow + member * 64) * outStride + work.head * HEAD_SIZE, outStride,
          work.rows - member * 64);
    }
  }
}
