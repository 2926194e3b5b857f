// What causal grouped-query attention of bf16 tensors on Hopper's tensor cores is made of (Dao 2023;
// Shah et al. 2024 for the division of labour between warps).
//
// HEAD_SIZE  D, elements of a head: a multiple of 8, at most 128
//
// One block a multiprocessor goes through its share of the tiles. One warp group fetches with the
// copy engine into a ring of shared memory and runs ahead, the others multiply. Every accumulator
// belongs to one block and is summed in a fixed order: no atomics. Tiles are swizzled by 128 bytes, as
// the copy engine writes them and wgmma reads them; columns beyond the head are zeros from the copy
// engine.
//
// runs   {first query row, queries, first key row, keys}: the queries are the last of the keys
// tiles  {run, first query or key of the tile within the run}

#pragma once

#include "attention_fragments.cuh"

struct alignas(64) TensorMap {
  u64 words[16];
};

#define BOX_ROWS 64
#define BOX_BYTES (BOX_ROWS * 128)

// Groups of 64 queries that a block works on at once: small heads leave registers for one more.
#define QUERY_GROUPS (HEAD_SIZE > 64 ? 2 : 3)
#define QUERY_ROWS (QUERY_GROUPS * 64)
#define QUERY_PANEL (QUERY_ROWS * 128)
#define QUERY_BYTES (QUERY_PANEL * PANELS)

// ---- Barriers, the copy engine, registers ----

static __device__ __forceinline__ void initialize(u32 barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

static __device__ __forceinline__ void expect(u32 barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

static __device__ __forceinline__ void arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

// A warp arrives when all its lanes have read what the barrier guards.
static __device__ __forceinline__ void release(u32 barrier) {
  __syncwarp();
  if (threadIdx.x % 32 == 0) {
    arrive(barrier);
  }
}

static __device__ __forceinline__ void await(u32 barrier, u32 parity) {
  u32 done;
  do {
    asm volatile(
        "{ .reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p; }"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (!done);
}

// Fetches 64 rows of one head's panels; the tile's panels are panelBytes apart.
static __device__ __forceinline__ void fetch(
    u32 to, int panelBytes, const TensorMap* map, int head, int row, u32 barrier) {
#pragma unroll
  for (int panel = 0; panel < PANELS; panel++) {
    asm volatile(
        "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
        " [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(to + panel * panelBytes),
        "l"(map), "r"(panel * 64), "r"(head), "r"(row), "r"(barrier)
        : "memory");
  }
}

// Fetches so many rows, 64 at a time.
template <int ROWS>
static __device__ __forceinline__ void fetchTile(
    u32 to, const TensorMap* map, int head, int row, u32 barrier) {
#pragma unroll
  for (int part = 0; part < ROWS / BOX_ROWS; part++) {
    fetch(to + part * BOX_BYTES, ROWS * 128, map, head, row + part * BOX_ROWS, barrier);
  }
}

template <int COUNT>
static __device__ __forceinline__ void giveRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}

template <int COUNT>
static __device__ __forceinline__ void takeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}

static __device__ __forceinline__ void groupArrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// A ring's place: which stage, and the parity of its turn.
struct Place {
  int stage;
  u32 parity;
};

template <int STAGES>
static __device__ __forceinline__ void advance(Place& place) {
  if (++place.stage == STAGES) {
    place.stage = 0;
    place.parity ^= 1;
  }
}

// Which of the tiles, the longest of which come first, a block works on in a round: back and forth,
// so that all blocks get about as much.
static __device__ __forceinline__ int workOf(int round) {
  int place = round % 2 == 0 ? blockIdx.x : gridDim.x - 1 - blockIdx.x;
  return round * gridDim.x + place;
}

// What the fetching thread tells the others of a tile.
struct Work {
  int head;
  int firstRow;
  int rows;
  int position;
  int firstChunk;
  int chunks;
  int queries;
  int unused;
};

static __device__ __forceinline__ void tell(u32 address, const Work& work) {
  asm volatile("st.shared.v4.s32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(work.head),
               "r"(work.firstRow), "r"(work.rows), "r"(work.position)
               : "memory");
  asm volatile("st.shared.v4.s32 [%0], {%1, %2, %3, %4};" ::"r"(address + 16),
               "r"(work.firstChunk), "r"(work.chunks), "r"(work.queries), "r"(0)
               : "memory");
}

static __device__ __forceinline__ Work told(u32 address) {
  Work work;
  asm volatile("ld.shared.v4.s32 {%0, %1, %2, %3}, [%4];"
               : "=r"(work.head), "=r"(work.firstRow), "=r"(work.rows), "=r"(work.position)
               : "r"(address)
               : "memory");
  asm volatile("ld.shared.v4.s32 {%0, %1, %2, %3}, [%4];"
               : "=r"(work.firstChunk), "=r"(work.chunks), "=r"(work.queries), "=r"(work.unused)
               : "r"(address + 16)
               : "memory");
  return work;
}

// ---- Products ----

// Rows of 128 bytes in groups of eight; the summed dimension runs along the rows.
static __device__ __forceinline__ u64 alongRows(u32 address) {
  return (u64)((address & 0x3ffff) >> 4) | (u64)1 << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}

// The summed dimension runs across the rows; the next 64 columns are panelBytes away.
static __device__ __forceinline__ u64 acrossRows(u32 address, int panelBytes) {
  return (u64)((address & 0x3ffff) >> 4) | (u64)(panelBytes >> 4) << 16
      | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}

static __device__ __forceinline__ void beginProducts() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

static __device__ __forceinline__ void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Waits until all but the latest PENDING groups are done.
template <int PENDING>
static __device__ __forceinline__ void awaitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Keeps the compiler from moving reads of accumulators over a wait.
template <int COUNT>
static __device__ __forceinline__ void settle(float (&values)[COUNT]) {
#pragma unroll
  for (int i = 0; i < COUNT; i++) {
    asm volatile("" : "+f"(values[i])::"memory");
  }
}

#define REGISTERS_32 \
  "%0, %1, %2, %3, %4, %5, %6, %7, " \
  "%8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, " \
  "%24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_48 \
  "%0, %1, %2, %3, %4, %5, %6, %7, " \
  "%8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, " \
  "%24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, " \
  "%40, %41, %42, %43, %44, %45, %46, %47"
#define REGISTERS_64 \
  "%0, %1, %2, %3, %4, %5, %6, %7, " \
  "%8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, " \
  "%24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, " \
  "%40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, " \
  "%56, %57, %58, %59, %60, %61, %62, %63"
#define OUT8(how, d, i)                                                                      \
  how(d[i]), how(d[i + 1]), how(d[i + 2]), how(d[i + 3]), how(d[i + 4]), how(d[i + 5]), \
      how(d[i + 6]), how(d[i + 7])
#define OUT32(how, d) OUT8(how, d, 0), OUT8(how, d, 8), OUT8(how, d, 16), OUT8(how, d, 24)
#define OUT48(how, d) OUT32(how, d), OUT8(how, d, 32), OUT8(how, d, 40)
#define OUT64(how, d) OUT48(how, d), OUT8(how, d, 48), OUT8(how, d, 56)
#define TYPES "k16.f32.bf16.bf16 {"

// d (64, N) = a (64, 16) · b (N, 16)ᵀ, both in shared memory, or d += when it accumulates. What d
// holds before counts as read only then: the compiler need not keep it while products run.
template <int N, bool ACCUMULATE>
static __device__ __forceinline__ void multiply(float (&d)[N / 2], u64 a, u64 b) {
  static_assert(N == 64 || N == 128, "no such product");
  if constexpr (N == 64 && ACCUMULATE) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64" TYPES REGISTERS_32 "}, %32, %33, 1, 1, 1, 0, 0;"
        : OUT32("+f", d)
        : "l"(a), "l"(b));
  } else if constexpr (N == 64) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64" TYPES REGISTERS_32 "}, %32, %33, 0, 1, 1, 0, 0;"
        : OUT32("=f", d)
        : "l"(a), "l"(b));
  } else if constexpr (ACCUMULATE) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n128" TYPES REGISTERS_64 "}, %64, %65, 1, 1, 1, 0, 0;"
        : OUT64("+f", d)
        : "l"(a), "l"(b));
  } else {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n128" TYPES REGISTERS_64 "}, %64, %65, 0, 1, 1, 0, 0;"
        : OUT64("=f", d)
        : "l"(a), "l"(b));
  }
}

// d (64, N) += a (64, 16), in registers, · b (16, N), in shared memory.
template <int N>
static __device__ __forceinline__ void multiplyAdd(
    float (&d)[N / 2], const u32 (&a)[4], u64 b) {
  static_assert(N == 64 || N == 96 || N == 128, "no such product");
  if constexpr (N == 64) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64" TYPES REGISTERS_32
        "}, {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
        : OUT32("+f", d)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  } else if constexpr (N == 96) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n96" TYPES REGISTERS_48
        "}, {%48, %49, %50, %51}, %52, 1, 1, 1, 1;"
        : OUT48("+f", d)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  } else {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n128" TYPES REGISTERS_64
        "}, {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
        : OUT64("+f", d)
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
  }
}

// scores (64, N) = rows (64, D) · columns (N, D)ᵀ.
template <int N>
static __device__ __forceinline__ void scoreProducts(
    float (&scores)[N / 2], u32 rows, int rowPanelBytes, u32 columns, int columnPanelBytes) {
#pragma unroll
  for (int step = 0; step < STEPS; step++) {
    int within = step % 4 * 32;
    u64 left = alongRows(rows + step / 4 * rowPanelBytes + within);
    u64 right = alongRows(columns + step / 4 * columnPanelBytes + within);
    if (step == 0) {
      multiply<N, false>(scores, left, right);
    } else {
      multiply<N, true>(scores, left, right);
    }
  }
}

// sums (64, D) += weights (64, ROWS) · rows (ROWS, D).
template <int ROWS>
static __device__ __forceinline__ void weightedSum(
    float (&sums)[WIDTH / 2], const u32 (&weights)[ROWS / 16][4], u32 rows, int panelBytes) {
#pragma unroll
  for (int step = 0; step < ROWS / 16; step++) {
    multiplyAdd<WIDTH>(sums, weights[step], acrossRows(rows + step * 16 * 128, panelBytes));
  }
}
