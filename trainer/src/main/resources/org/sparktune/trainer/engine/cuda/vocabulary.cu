// Log-probabilities of target tokens and their gradient, from the logits of a product: a block a
// row.
#include "packs.cuh"

#define THREADS 512

// A block that needs a row twice reads it once: every thread holds HELD packs in registers, and as
// many in shared memory as the launch has given it, up to MOST_SHARED.
#define FUSED_THREADS 1024
#define HELD 6
#define MOST_SHARED 14

// Sums exp(x - greatest) while the greatest so far may grow.
struct OnlineSum {
  float greatest;
  float sum;

  __device__ __forceinline__ void add(float value) {
    if (value > greatest) {
      sum = sum * __expf(greatest - value) + 1.0f;
      greatest = value;
    } else {
      sum += __expf(value - greatest);
    }
  }
};

// Takes a pack into a thread's sum of exponentials.
template <typename T>
__device__ __forceinline__ void addPack(OnlineSum& own, const Raw<T, WIDE<T>>& pack) {
  float values[WIDE<T>];
  unpack<T, WIDE<T>>(pack, values);
  float greatest = own.greatest;
#pragma unroll
  for (int j = 0; j < WIDE<T>; j++) {
    greatest = fmaxf(greatest, values[j]);
  }
  float sum = own.greatest == -INFINITY ? 0.0f : own.sum * __expf(own.greatest - greatest);
#pragma unroll
  for (int j = 0; j < WIDE<T>; j++) {
    sum += __expf(values[j] - greatest);
  }
  own.greatest = greatest;
  own.sum = sum;
}

// Writes the gradient of a pack.
template <typename T>
__device__ __forceinline__ void differentiatePack(
    T* row, int pack, const Raw<T, WIDE<T>>& held, int target, float logSumExp, float upstream) {
  float values[WIDE<T>];
  unpack<T, WIDE<T>>(held, values);
#pragma unroll
  for (int j = 0; j < WIDE<T>; j++) {
    const float hit = pack * WIDE<T> + j == target ? 1.0f : 0.0f;
    values[j] = upstream * (hit - __expf(values[j] - logSumExp));
  }
  store<T, WIDE<T>>(row + pack * WIDE<T>, values);
}

template <typename T>
__device__ __forceinline__ float logSumExpOfRow(const T* row, int columns, float* partial) {
  OnlineSum own = {-INFINITY, 0.0f};
  const int packs = columns / WIDE<T>;
  for (int pack = threadIdx.x; pack < packs; pack += THREADS) {
    addPack<T>(own, raw<T, WIDE<T>>(row + pack * WIDE<T>));
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += THREADS) {
    own.add(number(row[i]));
  }
  const float greatest = blockMax(own.greatest, partial);
  const float scaled = own.greatest == -INFINITY ? 0.0f : own.sum * __expf(own.greatest - greatest);
  return greatest + logf(blockSum(scaled, partial));
}

// Puts d/dlogits of upstream * logProb in the place of the logits.
template <typename T>
__device__ __forceinline__ void differentiateRow(
    T* row, int columns, int target, float logSumExp, float upstream) {
  const int packs = columns / WIDE<T>;
  for (int pack = threadIdx.x; pack < packs; pack += THREADS) {
    const Raw<T, WIDE<T>> values = raw<T, WIDE<T>>(row + pack * WIDE<T>);
    differentiatePack<T>(row, pack, values, target, logSumExp, upstream);
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += THREADS) {
    const float probability = __expf(number(row[i]) - logSumExp);
    row[i] = rounded<T>(upstream * ((i == target ? 1.0f : 0.0f) - probability));
  }
}

template <typename T>
__device__ __forceinline__ void score(
    const T* logits, long long stride, int columns, const int* targets, float* logProbs,
    float* logSumExps) {
  __shared__ float partial[32];
  const int row = blockIdx.x;
  const T* own = logits + row * stride;
  const float logSumExp = logSumExpOfRow(own, columns, partial);
  if (threadIdx.x == 0) {
    logProbs[row] = number(own[targets[row]]) - logSumExp;
    logSumExps[row] = logSumExp;
  }
}

template <typename T>
__device__ __forceinline__ void differentiate(
    T* logits, long long stride, int columns, const int* targets, const float* logSumExps,
    const float* dLogProbs) {
  const int row = blockIdx.x;
  differentiateRow(
      logits + row * stride, columns, targets[row], logSumExps[row], dLogProbs[row]);
}

__device__ __forceinline__ void copyAsynchronously(uint4* to, const void* from) {
  const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared), "l"(from) : "memory");
}

template <int OUTSTANDING>
__device__ __forceinline__ void awaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(OUTSTANDING) : "memory");
}

// Waits for the first of the copies to shared memory, then for the next, and adds what they bring.
template <typename T, int INDEX>
__device__ __forceinline__ void addShared(
    OnlineSum& own, const uint4* shared, int sharedPacks, int packs) {
  if constexpr (INDEX < MOST_SHARED) {
    awaitCopies<MOST_SHARED - 1 - INDEX>();
    const int pack = (HELD + INDEX) * FUSED_THREADS + threadIdx.x;
    if (INDEX < sharedPacks && pack < packs) {
      addPack<T>(own, Raw<T, WIDE<T>>{shared[INDEX * FUSED_THREADS + threadIdx.x]});
    }
    addShared<T, INDEX + 1>(own, shared, sharedPacks, packs);
  }
}

template <typename T>
__device__ __forceinline__ void scoreAndDifferentiate(
    T* logits, long long stride, int columns, const int* targets, float* logProbs,
    const float* dLogProbs, int sharedPacks) {
  extern __shared__ uint4 shared[];
  __shared__ float partial[32];
  T* row = logits + blockIdx.x * stride;
  const int target = targets[blockIdx.x];
  const int packs = columns / WIDE<T>;
  // Read before its place is taken.
  const float targetLogit = number(row[target]);
  Raw<T, WIDE<T>> held[HELD];
#pragma unroll
  for (int k = 0; k < HELD; k++) {
    const int pack = k * FUSED_THREADS + threadIdx.x;
    if (pack < packs) {
      held[k] = raw<T, WIDE<T>>(row + pack * WIDE<T>);
    }
  }
#pragma unroll
  for (int k = 0; k < MOST_SHARED; k++) {
    const int pack = (HELD + k) * FUSED_THREADS + threadIdx.x;
    if (k < sharedPacks && pack < packs) {
      copyAsynchronously(shared + k * FUSED_THREADS + threadIdx.x, row + pack * WIDE<T>);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  OnlineSum own = {-INFINITY, 0.0f};
#pragma unroll
  for (int k = 0; k < HELD; k++) {
    if (k * FUSED_THREADS + threadIdx.x < packs) {
      addPack<T>(own, held[k]);
    }
  }
  addShared<T, 0>(own, shared, sharedPacks, packs);
  const int rest = (HELD + sharedPacks) * FUSED_THREADS + threadIdx.x;
  for (int pack = rest; pack < packs; pack += FUSED_THREADS) {
    addPack<T>(own, raw<T, WIDE<T>>(row + pack * WIDE<T>));
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += FUSED_THREADS) {
    own.add(number(row[i]));
  }
  const float greatest = blockMax(own.greatest, partial);
  const float scaled = own.greatest == -INFINITY ? 0.0f : own.sum * __expf(own.greatest - greatest);
  const float logSumExp = greatest + logf(blockSum(scaled, partial));
  const float upstream = dLogProbs[blockIdx.x];
  if (threadIdx.x == 0) {
    logProbs[blockIdx.x] = targetLogit - logSumExp;
  }
#pragma unroll
  for (int k = 0; k < HELD; k++) {
    const int pack = k * FUSED_THREADS + threadIdx.x;
    if (pack < packs) {
      differentiatePack<T>(row, pack, held[k], target, logSumExp, upstream);
    }
  }
  for (int k = 0; k < sharedPacks; k++) {
    const int pack = (HELD + k) * FUSED_THREADS + threadIdx.x;
    if (pack < packs) {
      const Raw<T, WIDE<T>> values = {shared[k * FUSED_THREADS + threadIdx.x]};
      differentiatePack<T>(row, pack, values, target, logSumExp, upstream);
    }
  }
  for (int pack = rest; pack < packs; pack += FUSED_THREADS) {
    const Raw<T, WIDE<T>> values = raw<T, WIDE<T>>(row + pack * WIDE<T>);
    differentiatePack<T>(row, pack, values, target, logSumExp, upstream);
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += FUSED_THREADS) {
    const float probability = __expf(number(row[i]) - logSumExp);
    row[i] = rounded<T>(upstream * ((i == target ? 1.0f : 0.0f) - probability));
  }
}

#define OF_TYPE(NAME, T)                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS) score_##NAME(                         \
      const T* logits, long long stride, int columns, const int* targets, float* logProbs,    \
      float* logSumExps) {                                                                    \
    score(logits, stride, columns, targets, logProbs, logSumExps);                            \
  }                                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS) differentiate_##NAME(                 \
      T* logits, long long stride, int columns, const int* targets, const float* logSumExps,  \
      const float* dLogProbs) {                                                               \
    differentiate(logits, stride, columns, targets, logSumExps, dLogProbs);                   \
  }                                                                                           \
  extern "C" __global__ void __launch_bounds__(FUSED_THREADS)                                 \
      score_and_differentiate_##NAME(                                                         \
          T* logits, long long stride, int columns, const int* targets, float* logProbs,      \
          const float* dLogProbs, int sharedPacks) {                                          \
    scoreAndDifferentiate(                                                                    \
        logits, stride, columns, targets, logProbs, dLogProbs, sharedPacks);                  \
  }

OF_TYPE(f32, float)
OF_TYPE(bf16, bf16)
