// Log-probabilities of target tokens and their gradient in one pass over the logits. A block of
// THREADS keeps its row between the two: every thread holds HELD packs in registers, and as many in
// shared memory as the launch has given it, up to MOST_SHARED; what does not fit is read twice.
// BLOCKS is how many of them share a multiprocessor, one computing while another reads.
#include "vocabulary.cuh"

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
    const int pack = (HELD + INDEX) * THREADS + threadIdx.x;
    if (INDEX < sharedPacks && pack < packs) {
      addPack<T>(own, Raw<T, WIDE<T>>{shared[INDEX * THREADS + threadIdx.x]});
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
    const int pack = k * THREADS + threadIdx.x;
    if (pack < packs) {
      held[k] = raw<T, WIDE<T>>(row + pack * WIDE<T>);
    }
  }
#pragma unroll
  for (int k = 0; k < MOST_SHARED; k++) {
    const int pack = (HELD + k) * THREADS + threadIdx.x;
    if (k < sharedPacks && pack < packs) {
      copyAsynchronously(shared + k * THREADS + threadIdx.x, row + pack * WIDE<T>);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  OnlineSum own = {-INFINITY, 0.0f};
#pragma unroll
  for (int k = 0; k < HELD; k++) {
    if (k * THREADS + threadIdx.x < packs) {
      addPack<T>(own, held[k]);
    }
  }
  addShared<T, 0>(own, shared, sharedPacks, packs);
  const int rest = (HELD + sharedPacks) * THREADS + threadIdx.x;
  for (int pack = rest; pack < packs; pack += THREADS) {
    addPack<T>(own, raw<T, WIDE<T>>(row + pack * WIDE<T>));
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += THREADS) {
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
    const int pack = k * THREADS + threadIdx.x;
    if (pack < packs) {
      differentiatePack<T>(row, pack, held[k], target, logSumExp, upstream);
    }
  }
  for (int k = 0; k < sharedPacks; k++) {
    const int pack = (HELD + k) * THREADS + threadIdx.x;
    if (pack < packs) {
      const Raw<T, WIDE<T>> values = {shared[k * THREADS + threadIdx.x]};
      differentiatePack<T>(row, pack, values, target, logSumExp, upstream);
    }
  }
  for (int pack = rest; pack < packs; pack += THREADS) {
    const Raw<T, WIDE<T>> values = raw<T, WIDE<T>>(row + pack * WIDE<T>);
    differentiatePack<T>(row, pack, values, target, logSumExp, upstream);
  }
  for (int i = packs * WIDE<T> + threadIdx.x; i < columns; i += THREADS) {
    const float probability = __expf(number(row[i]) - logSumExp);
    row[i] = rounded<T>(upstream * ((i == target ? 1.0f : 0.0f) - probability));
  }
}

#define OF_TYPE(NAME, T)                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) score_and_differentiate_##NAME( \
      T* logits, long long stride, int columns, const int* targets, float* logProbs,          \
      const float* dLogProbs, int sharedPacks) {                                              \
    scoreAndDifferentiate(                                                                    \
        logits, stride, columns, targets, logProbs, dLogProbs, sharedPacks);                  \
  }

OF_TYPE(f32, float)
OF_TYPE(bf16, bf16)
