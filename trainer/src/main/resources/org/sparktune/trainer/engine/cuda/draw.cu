// Columns drawn with the probabilities of a softmax.
#include "prelude.cuh"

constexpr int WARPS = 32;
constexpr unsigned EVERYONE = 0xffffffffu;

// The number a warp's lanes agree on, in a fixed order.
template <typename T, typename Operator>
__device__ __forceinline__ T ofWarp(T own, Operator together) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    own = together(own, __shfl_xor_sync(EVERYONE, own, offset));
  }
  return own;
}

// What a column weighs: its probability times the same for all.
__device__ __forceinline__ double weight(float logit, float highest, float scale) {
  return expf((logit - highest) * scale);
}

// The first column of a warp's part at which the sum exceeds the threshold, or its last one of any
// weight, or -1 where it has none. All lanes of one warp call it.
__device__ int find(
    const float* row, int first, int end, float highest, float scale, double threshold) {
  const int lane = threadIdx.x % 32;
  double before = 0;
  int last = -1;
  for (int tile = first; tile < end; tile += 32) {
    const int column = tile + lane;
    const double own = column < end ? weight(row[column], highest, scale) : 0;
    double sum = own;
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
      const double other = __shfl_up_sync(EVERYONE, sum, offset);
      sum += lane >= offset ? other : 0;
    }
    const unsigned above = __ballot_sync(EVERYONE, own > 0 && before + sum > threshold);
    if (above != 0) {
      return tile + __ffs(above) - 1;
    }
    const unsigned weighty = __ballot_sync(EVERYONE, own > 0);
    last = weighty != 0 ? tile + 31 - __clz(weighty) : last;
    before += __shfl_sync(EVERYONE, sum, 31);
  }
  return last;
}

// A block a row; each warp sums a part of its columns.
extern "C" __global__ void __launch_bounds__(1024) draw_columns(
    const float* x, long long stride, int columns, float scale, const double* numbers,
    int* result) {
  __shared__ float greatest[WARPS];
  __shared__ double sums[WARPS];
  const float* row = x + blockIdx.x * stride;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int part = (columns + WARPS - 1) / WARPS;
  const int first = min(columns, warp * part);
  const int end = min(columns, first + part);
  float highest = -INFINITY;
  for (int i = first + lane; i < end; i += 32) {
    highest = fmaxf(highest, row[i]);
  }
  highest = ofWarp(highest, [](float a, float b) { return fmaxf(a, b); });
  if (lane == 0) {
    greatest[warp] = highest;
  }
  __syncthreads();
  highest = ofWarp(greatest[lane], [](float a, float b) { return fmaxf(a, b); });
  double sum = 0;
  for (int i = first + lane; i < end; i += 32) {
    sum += weight(row[i], highest, scale);
  }
  sum = ofWarp(sum, [](double a, double b) { return a + b; });
  if (lane == 0) {
    sums[warp] = sum;
  }
  __syncthreads();
  if (warp > 0) {
    return;
  }
  double total = 0;
  int last = 0;
  for (int i = 0; i < WARPS; i++) {
    total += sums[i];
    last = sums[i] > 0 ? i : last;
  }
  double threshold = numbers[blockIdx.x] * total;
  int chosen = 0;
  while (chosen < last && !(threshold < sums[chosen])) {
    threshold -= sums[chosen];
    chosen++;
  }
  const int begin = min(columns, chosen * part);
  const int found =
      find(row, begin, min(columns, begin + part), highest, scale, threshold);
  if (lane == 0) {
    result[blockIdx.x] = max(found, 0);
  }
}
