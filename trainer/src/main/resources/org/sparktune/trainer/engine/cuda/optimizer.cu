// AdamW, and exact sums of squares, over flat vectors of parameters. BLOCK_ELEMENTS is how many
// elements a block updates, RUN how many squares are added before the sum is exact, DIGITS the length
// of an exact sum.
#include "packs.cuh"

#define THREADS 256
#define WARPS (THREADS / 32)

// Neighbouring elements that are treated alike; firstBlock counts the blocks of those before.
struct Stretch {
  long long firstBlock;
  long long from;
  long long stateFrom;
  long long size;
  long long decayed;
};

struct Step {
  float gradientScale;
  float decayFactor;
  float firstWeight;
  float secondDecay;
  float secondWeight;
  float rootCorrection;
  float epsilon;
  float negativeStep;
};

// Every operation is rounded by itself, as on the processor.
__device__ __forceinline__ void update(
    const Step& step, float decayFactor, float& parameter, float gradient, float& first,
    float& second) {
  const float g = __fmul_rn(gradient, step.gradientScale);
  first = __fadd_rn(first, __fmul_rn(__fsub_rn(g, first), step.firstWeight));
  second = __fadd_rn(
      __fmul_rn(second, step.secondDecay), __fmul_rn(__fmul_rn(g, step.secondWeight), g));
  const float root = __fadd_rn(__fdiv_rn(__fsqrt_rn(second), step.rootCorrection), step.epsilon);
  parameter = __fadd_rn(
      __fmul_rn(parameter, decayFactor), __fdiv_rn(__fmul_rn(first, step.negativeStep), root));
}

template <int WIDTH>
__device__ __forceinline__ void updateBlock(
    const Step& step, float decayFactor, float* parameters, const float* gradients, float* first,
    float* second, int size) {
#pragma unroll 2
  for (int i = threadIdx.x * WIDTH; i < size; i += THREADS * WIDTH) {
    float p[WIDTH];
    float g[WIDTH];
    float m[WIDTH];
    float v[WIDTH];
    load<float, WIDTH>(parameters + i, p);
    load<float, WIDTH>(gradients + i, g);
    load<float, WIDTH>(first + i, m);
    load<float, WIDTH>(second + i, v);
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      update(step, decayFactor, p[j], g[j], m[j], v[j]);
    }
    store<float, WIDTH>(parameters + i, p);
    store<float, WIDTH>(first + i, m);
    store<float, WIDTH>(second + i, v);
  }
}

// A block updates BLOCK_ELEMENTS elements of the stretch that it finds by bisection.
extern "C" __global__ void __launch_bounds__(THREADS) adamw(
    const Stretch* stretches, int count, float* parameters, const float* gradients, float* first,
    float* second, float gradientScale, float decayFactor, float firstWeight, float secondDecay,
    float secondWeight, float rootCorrection, float epsilon, float negativeStep) {
  int low = 0;
  int high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (stretches[middle].firstBlock <= blockIdx.x) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const Stretch own = stretches[low];
  const long long done = (blockIdx.x - own.firstBlock) * BLOCK_ELEMENTS;
  const long long left = own.size - done;
  const int size = left < BLOCK_ELEMENTS ? static_cast<int>(left) : BLOCK_ELEMENTS;
  const Step step = {gradientScale, decayFactor, firstWeight, secondDecay,
                     secondWeight, rootCorrection, epsilon, negativeStep};
  const float decay = own.decayed ? decayFactor : 1.0f;
  float* p = parameters + own.from + done;
  const float* g = gradients + own.from + done;
  float* m = first + own.stateFrom + done;
  float* v = second + own.stateFrom + done;
  const unsigned long long addresses =
      reinterpret_cast<unsigned long long>(p) | reinterpret_cast<unsigned long long>(g)
      | reinterpret_cast<unsigned long long>(m) | reinterpret_cast<unsigned long long>(v);
  const int packed = addresses % 16 == 0 ? size / 4 * 4 : 0;
  updateBlock<4>(step, decay, p, g, m, v, packed);
  updateBlock<1>(step, decay, p + packed, g + packed, m + packed, v + packed, size - packed);
}

// The sum of squares of a run of at most RUN elements, by one warp, in every lane.
__device__ __forceinline__ double sumOfRun(const float* run, int size, bool packed) {
  const int lane = threadIdx.x % 32;
  double sum = 0.0;
  if (packed && size == RUN) {
    float4 values[RUN / 128];
#pragma unroll
    for (int i = 0; i < RUN / 128; i++) {
      values[i] = reinterpret_cast<const float4*>(run)[i * 32 + lane];
    }
#pragma unroll
    for (int i = 0; i < RUN / 128; i++) {
      const double four[4] = {values[i].x, values[i].y, values[i].z, values[i].w};
#pragma unroll
      for (int j = 0; j < 4; j++) {
        sum = fma(four[j], four[j], sum);
      }
    }
  } else {
    // In the same order, whatever the alignment.
    for (int i = 0; i < RUN / 128; i++) {
      for (int j = 0; j < 4; j++) {
        const int index = (i * 32 + lane) * 4 + j;
        const double value = index < size ? run[index] : 0.0f;
        sum = fma(value, value, sum);
      }
    }
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  }
  return sum;
}


// Adds a number that is not negative to a fixed-point sum whose digits have 32 bits, the first
// being worth 2^-1074: the class ExactSum in integers, whose order does not show.
__device__ __forceinline__ void addExactly(unsigned long long* digits, double number) {
  const unsigned long long bits = __double_as_longlong(number);
  int exponent = static_cast<int>(bits >> 52) & 0x7ff;
  if (exponent == 0x7ff) {
    atomicAdd(digits + DIGITS - 1, 1ull);
    return;
  }
  unsigned long long mantissa = bits & ((1ull << 52) - 1);
  if (exponent > 0) {
    mantissa |= 1ull << 52;
    exponent--;
  }
  const int digit = exponent / 32;
  const int shift = exponent % 32;
  atomicAdd(digits + digit, (mantissa << shift) & 0xffffffffull);
  atomicAdd(digits + digit + 1, (mantissa >> (32 - shift)) & 0xffffffffull);
  atomicAdd(digits + digit + 2, (mantissa >> 32) >> (32 - shift));
}

extern "C" __global__ void __launch_bounds__(THREADS) add_squares(
    const float* vector, long long size, unsigned long long* sum, int packed) {
  __shared__ unsigned long long digits[DIGITS];
  for (int i = threadIdx.x; i < DIGITS; i += THREADS) {
    digits[i] = 0;
  }
  __syncthreads();
  const long long runs = (size + RUN - 1) / RUN;
  const long long step = static_cast<long long>(gridDim.x) * WARPS;
  for (long long run = blockIdx.x * static_cast<long long>(WARPS) + threadIdx.x / 32; run < runs;
       run += step) {
    const long long left = size - run * RUN;
    const double squares =
        sumOfRun(vector + run * RUN, left < RUN ? static_cast<int>(left) : RUN, packed);
    if (threadIdx.x % 32 == 0) {
      addExactly(digits, squares);
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < DIGITS; i += THREADS) {
    if (digits[i] != 0) {
      atomicAdd(sum + i, digits[i]);
    }
  }
}
