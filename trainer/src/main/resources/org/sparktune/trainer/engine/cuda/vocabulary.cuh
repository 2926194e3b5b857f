// Sums of exponentials of logits, and gradients of log-probabilities, pack by pack.
#include "packs.cuh"

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
