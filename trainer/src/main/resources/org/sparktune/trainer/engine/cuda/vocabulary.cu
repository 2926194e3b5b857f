// Log-probabilities of target tokens, or their gradient, from the logits of a product: a block a row.
#include "vocabulary.cuh"

#define THREADS 512

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
  }

OF_TYPE(f32, float)
OF_TYPE(bf16, bf16)
