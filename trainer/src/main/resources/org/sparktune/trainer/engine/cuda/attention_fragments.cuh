// What attention does to the accumulators of its products on tensor cores, and what they share.
//
// HEAD_SIZE  D, elements of a head: a multiple of 8, at most 128
//
// Four warps hold (64, N) accumulators: a warp 16 rows, a thread of them rows lane / 4 and that plus
// 8, and of each 8 columns those at lane % 4 * 2 and the next. Element 4·j + 2·r + e of a thread's
// array is row r, column 8·j + e. A tile of rows lies in shared memory in panels of 64 columns, rows
// of 128 bytes, whose pieces of 16 bytes are permuted within a row so that no banks collide.
#pragma once

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short element;

#define PANELS (HEAD_SIZE > 64 ? 2 : 1)
#define STEPS ((HEAD_SIZE + 15) / 16)
#define WIDTH (HEAD_SIZE <= 64 ? 64 : HEAD_SIZE <= 96 ? 96 : 128)
#define GROUP 128
#define GROUP_ROWS 64
#define LOG2E 1.4426950408889634f
#define LN2 0.6931471805599453f
#define MINUS_INFINITY __int_as_float(0xff800000)

static __device__ __forceinline__ u32 sharedAddress(const void* pointer) {
  return (u32)__cvta_generic_to_shared(pointer);
}

static __device__ __forceinline__ void groupBarrier(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

static __device__ __forceinline__ u32 pack(float low, float high) {
  u32 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

// Accumulators of (64, N) scores as the left operand of the next product.
template <int N>
static __device__ __forceinline__ void packAll(const float (&from)[N / 2], u32 (&to)[N / 16][4]) {
#pragma unroll
  for (int step = 0; step < N / 16; step++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      to[step][i] = pack(from[step * 8 + 2 * i], from[step * 8 + 2 * i + 1]);
    }
  }
}

static __device__ __forceinline__ float exponential2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

static __device__ __forceinline__ bool sees(int query, int key, int window) {
  return key <= query && query - key < window;
}

// ---- Forward ----

// The running softmax of a thread's two rows.
struct Softmax {
  float maxima[2];
  float totals[2];
};

// Turns scores into exponentials; correction is what earlier sums are multiplied by.
template <int KEYS>
static __device__ __forceinline__ void exponentials(
    float (&scores)[KEYS / 2], Softmax& softmax, float (&correction)[2], float factor) {
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float maximum = softmax.maxima[r];
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++) {
      maximum = fmaxf(maximum, fmaxf(scores[4 * j + 2 * r], scores[4 * j + 2 * r + 1]));
    }
    maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, 1));
    maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, 2));
    float used = maximum == MINUS_INFINITY ? 0.0f : maximum * factor;
    correction[r] = exponential2(softmax.maxima[r] * factor - used);
    softmax.maxima[r] = maximum;
    float total = 0.0f;
#pragma unroll
    for (int j = 0; j < KEYS / 8; j++) {
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
template <int KEYS>
static __device__ __forceinline__ void maskKeys(
    float (&scores)[KEYS / 2], int query, int firstKey, int window) {
  int key = firstKey + threadIdx.x % 4 * 2;
#pragma unroll
  for (int i = 0; i < KEYS / 2; i++) {
    if (!sees(query + (i / 2 % 2) * 8, key + i / 4 * 8 + i % 2, window)) {
      scores[i] = MINUS_INFINITY;
    }
  }
}

// ---- Backward ----

__device__ __forceinline__ float2 loadPair(u32 address) {
  float2 pair;
  asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];"
               : "=f"(pair.x), "=f"(pair.y)
               : "r"(address)
               : "memory");
  return pair;
}

__device__ __forceinline__ float loadFloat(u32 address) {
  float value;
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(value) : "r"(address) : "memory");
  return value;
}

// Scores of queries by keys to probabilities.
template <int COLUMNS>
static __device__ __forceinline__ void weigh(
    float (&scores)[COLUMNS / 2], const float (&logs)[2], float factor) {
#pragma unroll
  for (int i = 0; i < COLUMNS / 2; i++) {
    scores[i] = exponential2(fmaf(scores[i], factor, -logs[i / 2 % 2]));
  }
}

// Clears what queries may not see; query is the position of the thread's first row.
template <int COLUMNS>
static __device__ __forceinline__ void hideKeys(
    float (&weights)[COLUMNS / 2], bool hides, int query, int firstKey, int window) {
  if (hides) {
    int key = firstKey + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; i++) {
      if (!sees(query + (i / 2 % 2) * 8, key + i / 4 * 8 + i % 2, window)) {
        weights[i] = 0.0f;
      }
    }
  }
}

// Probabilities to gradients of the scores, without the scale.
template <int COLUMNS>
static __device__ __forceinline__ void scoreGradients(
    float (&weights)[COLUMNS / 2], const float (&products)[COLUMNS / 2], const float (&deltas)[2]) {
#pragma unroll
  for (int i = 0; i < COLUMNS / 2; i++) {
    weights[i] *= products[i] - deltas[i / 2 % 2];
  }
}

// The same for keys by queries: statistics is where a thread's first column's logSumExp lies.
template <int COLUMNS>
static __device__ __forceinline__ void weighColumns(
    float (&scores)[COLUMNS / 2], u32 statistics, float factor) {
#pragma unroll
  for (int j = 0; j < COLUMNS / 8; j++) {
    float2 logs = loadPair(statistics + j * 32);
    scores[4 * j] = exponential2(fmaf(scores[4 * j], factor, -logs.x));
    scores[4 * j + 1] = exponential2(fmaf(scores[4 * j + 1], factor, -logs.y));
    scores[4 * j + 2] = exponential2(fmaf(scores[4 * j + 2], factor, -logs.x));
    scores[4 * j + 3] = exponential2(fmaf(scores[4 * j + 3], factor, -logs.y));
  }
}

template <int COLUMNS>
static __device__ __forceinline__ void hideQueries(
    float (&weights)[COLUMNS / 2], bool hides, int firstQuery, int queries, int key, int window) {
  if (hides) {
    int query = firstQuery + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; i++) {
      int column = query + i / 4 * 8 + i % 2;
      if (column >= queries || !sees(column, key + (i / 2 % 2) * 8, window)) {
        weights[i] = 0.0f;
      }
    }
  }
}

// The probabilities are taken as they were rounded for the values' gradient: it spares registers.
template <int COLUMNS>
static __device__ __forceinline__ void scoreGradientsOfColumns(
    float (&products)[COLUMNS / 2], const u32 (&weights)[COLUMNS / 16][4], u32 statistics) {
#pragma unroll
  for (int j = 0; j < COLUMNS / 8; j++) {
    float2 deltas = loadPair(statistics + COLUMNS * 4 + j * 32);
#pragma unroll
    for (int r = 0; r < 2; r++) {
      u32 pair = weights[j / 2][j % 2 * 2 + r];
      int i = 4 * j + 2 * r;
      products[i] = __uint_as_float(pair << 16) * (products[i] - deltas.x);
      products[i + 1] = __uint_as_float(pair & 0xffff0000u) * (products[i + 1] - deltas.y);
    }
  }
}

// ---- What is written ----

// Stores a group's (64, D) accumulators as bf16 rows, by way of 64 rows of shared memory.
static __device__ __forceinline__ void storeRows(
    const float (&sums)[WIDTH / 2], float low, float high, u32 tile, int panelBytes, int barrier,
    element* to, long long stride, int rows) {
  int thread = threadIdx.x % GROUP;
  int row = thread / 32 * 16 + thread % 32 / 4;
  // What was stored from here before has been read.
  groupBarrier(barrier, GROUP);
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++) {
    u32 at = tile + j / 8 * panelBytes + row * 128 + ((j % 8 ^ row % 8) << 4) + thread % 4 * 4;
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(at),
                 "r"(pack(sums[4 * j] * low, sums[4 * j + 1] * low))
                 : "memory");
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(at + 8 * 128),
                 "r"(pack(sums[4 * j + 2] * high, sums[4 * j + 3] * high))
                 : "memory");
  }
  groupBarrier(barrier, GROUP);
  for (int i = thread; i < GROUP_ROWS * (HEAD_SIZE / 8); i += GROUP) {
    int target = i / (HEAD_SIZE / 8);
    int j = i % (HEAD_SIZE / 8);
    if (target < rows) {
      uint4 bits;
      u32 at = tile + j / 8 * panelBytes + target * 128 + ((j % 8 ^ target % 8) << 4);
      asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
                   : "=r"(bits.x), "=r"(bits.y), "=r"(bits.z), "=r"(bits.w)
                   : "r"(at)
                   : "memory");
      *(uint4*)(to + target * stride + j * 8) = bits;
    }
  }
}
