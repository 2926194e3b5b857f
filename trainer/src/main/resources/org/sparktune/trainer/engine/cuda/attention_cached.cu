// Attention of single new tokens against cached keys and values, and the appending to the cache.
//
// HEAD_SIZE  D, elements of a head
// BF16       1 for bf16 elements, 0 for float
// MEMBERS    query heads of a block, at most 8
//
// A block takes one query row, MEMBERS query heads that share a key/value head, and SPLIT keys.
// Splits are counted from position 0, and their results are joined in order, so a row's result
// depends neither on the rows beside it nor on how many splits the longest sequence needs.
//
// places  per query row {first row of its sequence in the cache, its position}

#include "prelude.cuh"

#if BF16
typedef bf16 element;
#else
typedef float element;
#endif

#define THREADS 128
#define SPLIT 64
#if HEAD_SIZE % 8 == 0
#define VECTOR 8
#else
#define VECTOR 1
#endif
#define VECTORS (HEAD_SIZE / VECTOR)
#define LANES 8
#define PARTS ((HEAD_SIZE + 31) / 32)
#define LOG2E 1.4426950408889634f
#define MINUS_INFINITY __int_as_float(0xff800000)

static __device__ __forceinline__ float exponential2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

static __device__ __forceinline__ void loadFloats(const float* at, float (&to)[VECTOR]) {
#if VECTOR == 1
  to[0] = *at;
#else
  float4 low = ((const float4*)at)[0];
  float4 high = ((const float4*)at)[1];
  to[0] = low.x;
  to[1] = low.y;
  to[2] = low.z;
  to[3] = low.w;
  to[4] = high.x;
  to[5] = high.y;
  to[6] = high.z;
  to[7] = high.w;
#endif
}

static __device__ __forceinline__ void loadVector(const element* at, float (&to)[VECTOR]) {
#if VECTOR == 1
  to[0] = number(*at);
#elif BF16
  uint4 bits = *(const uint4*)at;
  unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
  for (int i = 0; i < 4; i++) {
    to[2 * i] = __uint_as_float(words[i] << 16);
    to[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
#else
  loadFloats(at, to);
#endif
}

// keys[targets[n]] = k[n] and values[targets[n]] = v[n]; one block a row.
extern "C" __global__ void attentionAppend(
    const element* k, long long kStride, const element* v, long long vStride, element* keys,
    element* values, int columns, const int2* places) {
  long long row = blockIdx.x;
  int2 place = places[row];
  long long target = ((long long)place.x + place.y) * columns;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    keys[target + i] = k[row * kStride + i];
    values[target + i] = v[row * vStride + i];
  }
}

// Grid: rows, key/value heads · batches of MEMBERS heads, splits. With one split the result is
// written; with more, a split's maximum, total and sums are, for attentionJoin.
// partialSums (rows, heads, splits, D), partialStatistics (rows, heads, splits, 2).
extern "C" __global__ void __launch_bounds__(THREADS) attentionCached(
    const element* q, long long qStride, const element* keys, const element* values, int columns,
    element* out, long long outStride, const int2* places, int heads, int group, float scale,
    int window, float* partialSums, float* partialStatistics) {
  __shared__ __align__(16) float queries[MEMBERS][HEAD_SIZE];
  __shared__ float scores[MEMBERS][SPLIT];
  __shared__ __align__(16) float parts[MEMBERS][THREADS * VECTOR];
  __shared__ float statistics[MEMBERS][2];
  long long row = blockIdx.x;
  int batches = (group + MEMBERS - 1) / MEMBERS;
  int keyHead = blockIdx.y / batches;
  int firstMember = blockIdx.y % batches * MEMBERS;
  int members = min(MEMBERS, group - firstMember);
  int head = keyHead * group + firstMember;
  int2 place = places[row];
  int begin = max((int)blockIdx.z * SPLIT, max(0, place.y - window + 1));
  int end = min(((int)blockIdx.z + 1) * SPLIT, place.y + 1);
  int count = max(0, end - begin);
  const element* keyRows = keys + ((long long)place.x + begin) * columns + keyHead * HEAD_SIZE;
  const element* valueRows = values + ((long long)place.x + begin) * columns + keyHead * HEAD_SIZE;
  int thread = threadIdx.x;
  for (int i = thread; i < MEMBERS * HEAD_SIZE; i += THREADS) {
    queries[i / HEAD_SIZE][i % HEAD_SIZE] =
        i < members * HEAD_SIZE ? number(q[row * qStride + head * HEAD_SIZE + i]) : 0.0f;
  }
  __syncthreads();
  // Eight lanes a key.
  int lane = thread % LANES;
  for (int first = 0; first < count; first += THREADS / LANES) {
    int key = first + thread / LANES;
    float sums[MEMBERS] = {};
    if (key < count) {
      for (int at = lane; at < VECTORS; at += LANES) {
        float elements[VECTOR];
        loadVector(keyRows + (long long)key * columns + at * VECTOR, elements);
#pragma unroll
        for (int m = 0; m < MEMBERS; m++) {
          float query[VECTOR];
          loadFloats(&queries[m][at * VECTOR], query);
#pragma unroll
          for (int e = 0; e < VECTOR; e++) {
            sums[m] = fmaf(elements[e], query[e], sums[m]);
          }
        }
      }
    }
#pragma unroll
    for (int m = 0; m < MEMBERS; m++) {
#pragma unroll
      for (int step = LANES / 2; step > 0; step /= 2) {
        sums[m] += __shfl_xor_sync(~0u, sums[m], step);
      }
      if (lane == 0 && key < count) {
        scores[m][key] = sums[m] * (scale * LOG2E);
      }
    }
  }
  __syncthreads();
  // A warp a head: maximum, then exponentials and their sum.
  for (int m = thread / 32; m < MEMBERS; m += THREADS / 32) {
    float maximum = MINUS_INFINITY;
    for (int i = thread % 32; i < count; i += 32) {
      maximum = fmaxf(maximum, scores[m][i]);
    }
    maximum = warpMax(maximum);
    float total = 0.0f;
    for (int i = thread % 32; i < count; i += 32) {
      float weight = exponential2(scores[m][i] - maximum);
      scores[m][i] = weight;
      total += weight;
    }
    total = warpSum(total);
    if (thread % 32 == 0) {
      statistics[m][0] = maximum;
      statistics[m][1] = total;
    }
  }
  __syncthreads();
  // A thread a vector of columns and a share of the keys; the shares are added in order.
  const int columnsAtOnce = min(THREADS, VECTORS);
  const int shares = THREADS / columnsAtOnce;
  for (int base = 0; base < VECTORS; base += columnsAtOnce) {
    int vector = base + thread % columnsAtOnce;
    int share = thread / columnsAtOnce;
    if (share < shares && vector < VECTORS) {
      float sums[MEMBERS][VECTOR] = {};
      for (int key = share; key < count; key += shares) {
        float elements[VECTOR];
        loadVector(valueRows + (long long)key * columns + vector * VECTOR, elements);
#pragma unroll
        for (int m = 0; m < MEMBERS; m++) {
          float weight = scores[m][key];
#pragma unroll
          for (int e = 0; e < VECTOR; e++) {
            sums[m][e] = fmaf(weight, elements[e], sums[m][e]);
          }
        }
      }
#pragma unroll
      for (int m = 0; m < MEMBERS; m++) {
#pragma unroll
        for (int e = 0; e < VECTOR; e++) {
          parts[m][thread * VECTOR + e] = sums[m][e];
        }
      }
    }
    __syncthreads();
    int width = min(columnsAtOnce, VECTORS - base) * VECTOR;
    for (int i = thread; i < members * width; i += THREADS) {
      int m = i / width;
      int column = base * VECTOR + i % width;
      float sum = 0.0f;
      for (int s = 0; s < shares; s++) {
        sum += parts[m][s * columnsAtOnce * VECTOR + i % width];
      }
      long long index = (row * heads + head + m) * gridDim.z + blockIdx.z;
      if (gridDim.z == 1) {
        out[row * outStride + (head + m) * HEAD_SIZE + column] =
            rounded<element>(sum / statistics[m][1]);
      } else {
        partialSums[index * HEAD_SIZE + column] = sum;
        if (column == 0) {
          partialStatistics[2 * index] = statistics[m][0];
          partialStatistics[2 * index + 1] = statistics[m][1];
        }
      }
    }
    __syncthreads();
  }
}

// Joins the splits of heads of rows, a warp each; count is rows · heads.
extern "C" __global__ void __launch_bounds__(THREADS) attentionJoin(
    const float* partialSums, const float* partialStatistics, int splits, element* out,
    long long outStride, int heads, long long count) {
  long long index = (blockIdx.x * (long long)THREADS + threadIdx.x) / 32;
  if (index >= count) {
    return;
  }
  int lane = threadIdx.x % 32;
  const float* statisticsOf = partialStatistics + index * splits * 2;
  const float* sumsOf = partialSums + index * splits * HEAD_SIZE;
  float maximum = MINUS_INFINITY;
  for (int s = lane; s < splits; s += 32) {
    maximum = fmaxf(maximum, statisticsOf[2 * s]);
  }
  maximum = warpMax(maximum);
  float total = 0.0f;
  float sums[PARTS] = {};
  for (int first = 0; first < splits; first += 32) {
    bool present = first + lane < splits;
    float weight = present ? exponential2(statisticsOf[2 * (first + lane)] - maximum) : 0.0f;
    total += present ? weight * statisticsOf[2 * (first + lane) + 1] : 0.0f;
    for (int s = 0; s < min(32, splits - first); s++) {
      float factor = __shfl_sync(~0u, weight, s);
#pragma unroll
      for (int part = 0; part < PARTS; part++) {
        int column = part * 32 + lane;
        if (column < HEAD_SIZE) {
          sums[part] =
              fmaf(factor, sumsOf[(long long)(first + s) * HEAD_SIZE + column], sums[part]);
        }
      }
    }
  }
  total = warpSum(total);
  element* to = out + index / heads * outStride + index % heads * HEAD_SIZE;
#pragma unroll
  for (int part = 0; part < PARTS; part++) {
    int column = part * 32 + lane;
    if (column < HEAD_SIZE) {
      to[column] = rounded<element>(sums[part] / total);
    }
  }
}
