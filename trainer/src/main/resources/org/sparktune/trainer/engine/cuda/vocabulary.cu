// Log-probabilities of target tokens and their gradient, from the logits of a product: a block a
// row, which it reads twice, the second time from the cache.
#include "prelude.cuh"

#ifndef THREADS
#define THREADS 512
#endif

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

template <typename T>
__device__ __forceinline__ float logSumExpOfRow(const T* row, int columns, float* partial) {
  OnlineSum own = {-INFINITY, 0.0f};
  const int packs = columns / Pack<T>::SIZE;
  for (int i = threadIdx.x; i < packs; i += THREADS) {
    const Pack<T> pack = reinterpret_cast<const Pack<T>*>(row)[i];
    float greatest = own.greatest;
#pragma unroll
    for (int j = 0; j < Pack<T>::SIZE; j++) {
      greatest = fmaxf(greatest, number(pack.values[j]));
    }
    float sum = own.greatest == -INFINITY ? 0.0f : own.sum * __expf(own.greatest - greatest);
#pragma unroll
    for (int j = 0; j < Pack<T>::SIZE; j++) {
      sum += __expf(number(pack.values[j]) - greatest);
    }
    own.greatest = greatest;
    own.sum = sum;
  }
  for (int i = packs * Pack<T>::SIZE + threadIdx.x; i < columns; i += THREADS) {
    own.add(number(row[i]));
  }
  const float greatest = blockMax(own.greatest, partial);
  const float scaled = own.greatest == -INFINITY ? 0.0f : own.sum * __expf(own.greatest - greatest);
  const float sum = blockSum(scaled, partial);
  return greatest + logf(sum);
}

// Puts d/dlogits of upstream * logProb in the place of the logits.
template <typename T>
__device__ __forceinline__ void differentiateRow(
    T* row, int columns, int target, float logSumExp, float upstream) {
  const int packs = columns / Pack<T>::SIZE;
  for (int i = threadIdx.x; i < packs; i += THREADS) {
    Pack<T> pack = reinterpret_cast<const Pack<T>*>(row)[i];
#pragma unroll
    for (int j = 0; j < Pack<T>::SIZE; j++) {
      const float probability = __expf(number(pack.values[j]) - logSumExp);
      const float hit = i * Pack<T>::SIZE + j == target ? 1.0f : 0.0f;
      pack.values[j] = rounded<T>(upstream * (hit - probability));
    }
    reinterpret_cast<Pack<T>*>(row)[i] = pack;
  }
  for (int i = packs * Pack<T>::SIZE + threadIdx.x; i < columns; i += THREADS) {
    const float probability = __expf(number(row[i]) - logSumExp);
    row[i] = rounded<T>(upstream * ((i == target ? 1.0f : 0.0f) - probability));
  }
}

template <typename T>
__device__ __forceinline__ float scoreRow(
    const T* row, int columns, int target, float* logProb, float* partial) {
  const float logSumExp = logSumExpOfRow(row, columns, partial);
  if (threadIdx.x == 0) {
    *logProb = number(row[target]) - logSumExp;
  }
  return logSumExp;
}

template <typename T>
__device__ __forceinline__ void score(
    const T* logits, long long stride, int columns, const int* targets, float* logProbs,
    float* logSumExps) {
  __shared__ float partial[32];
  const int row = blockIdx.x;
  const float logSumExp =
      scoreRow(logits + row * stride, columns, targets[row], logProbs + row, partial);
  if (threadIdx.x == 0) {
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

template <typename T>
__device__ __forceinline__ void scoreAndDifferentiate(
    T* logits, long long stride, int columns, const int* targets, float* logProbs,
    const float* dLogProbs) {
  __shared__ float partial[32];
  const int row = blockIdx.x;
  T* own = logits + row * stride;
  const float logSumExp = scoreRow(own, columns, targets[row], logProbs + row, partial);
  // The target's logit has been read before its place is taken.
  __syncthreads();
  differentiateRow(own, columns, targets[row], logSumExp, dLogProbs[row]);
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
  extern "C" __global__ void __launch_bounds__(THREADS) score_and_differentiate_##NAME(       \
      T* logits, long long stride, int columns, const int* targets, float* logProbs,          \
      const float* dLogProbs) {                                                               \
    scoreAndDifferentiate(logits, stride, columns, targets, logProbs, dLogProbs);             \
  }

OF_TYPE(f32, float)
OF_TYPE(bf16, bf16)
