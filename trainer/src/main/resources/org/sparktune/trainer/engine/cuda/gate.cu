// SwiGLU (Shazeer 2020) and its gradient, a thread for every pack of elements.
#include "packs.cuh"

// What is stored as bf16 needs no better quotient than the hardware's reciprocal gives.
template <typename T>
__device__ __forceinline__ float sigmoid(float x) {
  if constexpr (sizeof(T) == 4) {
    return 1.0f / (1.0f + expf(-x));
  } else {
    return __fdividef(1.0f, 1.0f + __expf(-x));
  }
}

template <typename T, int WIDTH>
__device__ __forceinline__ void swiglu(
    const T* gate, long long gateStride, const T* up, long long upStride, T* out,
    long long outStride, long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float gates[WIDTH];
  float ups[WIDTH];
  load<T, WIDTH>(gate + own.row * gateStride + own.column, gates);
  load<T, WIDTH>(up + own.row * upStride + own.column, ups);
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    ups[i] = gates[i] * sigmoid<T>(gates[i]) * ups[i];
  }
  store<T, WIDTH>(out + own.row * outStride + own.column, ups);
}

// The gradients may take the place of gate and up; out, if it is wanted, is what swiglu makes of
// them.
template <typename T, int WIDTH>
__device__ __forceinline__ void swigluGradient(
    const T* dOut, long long dOutStride, const T* gate, long long gateStride, const T* up,
    long long upStride, T* dGate, long long dGateStride, T* dUp, long long dUpStride, T* out,
    long long outStride, long long rows, long long columns) {
  Place own;
  if (!place(rows, columns, WIDTH, own)) {
    return;
  }
  float d[WIDTH];
  float gates[WIDTH];
  float ups[WIDTH];
  load<T, WIDTH>(dOut + own.row * dOutStride + own.column, d);
  load<T, WIDTH>(gate + own.row * gateStride + own.column, gates);
  load<T, WIDTH>(up + own.row * upStride + own.column, ups);
  if (out != nullptr) {
    float values[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; i++) {
      values[i] = gates[i] * sigmoid<T>(gates[i]) * ups[i];
    }
    store<T, WIDTH>(out + own.row * outStride + own.column, values);
  }
#pragma unroll
  for (int i = 0; i < WIDTH; i++) {
    const float slope = sigmoid<T>(gates[i]);
    const float x = gates[i];
    gates[i] = d[i] * ups[i] * (slope * (1.0f + x * (1.0f - slope)));
    ups[i] = d[i] * (x * slope);
  }
  store<T, WIDTH>(dGate + own.row * dGateStride + own.column, gates);
  store<T, WIDTH>(dUp + own.row * dUpStride + own.column, ups);
}

#define GATE(NAME, T)                                                                             \
  extern "C" __global__ void swiglu_##NAME(                                                       \
      const T* gate, long long gateStride, const T* up, long long upStride, T* out,               \
      long long outStride, long long rows, long long columns, int wide) {                         \
    if (wide) {                                                                                   \
      swiglu<T, WIDE<T>>(gate, gateStride, up, upStride, out, outStride, rows, columns);          \
    } else {                                                                                      \
      swiglu<T, 1>(gate, gateStride, up, upStride, out, outStride, rows, columns);                \
    }                                                                                             \
  }                                                                                               \
  extern "C" __global__ void swiglu_gradient_##NAME(                                              \
      const T* dOut, long long dOutStride, const T* gate, long long gateStride, const T* up,      \
      long long upStride, T* dGate, long long dGateStride, T* dUp, long long dUpStride, T* out,   \
      long long outStride, long long rows, long long columns, int wide) {                         \
    if (wide) {                                                                                   \
      swigluGradient<T, WIDE<T>>(                                                                 \
          dOut, dOutStride, gate, gateStride, up, upStride, dGate, dGateStride, dUp, dUpStride,   \
          out, outStride, rows, columns);                                                         \
    } else {                                                                                      \
      swigluGradient<T, 1>(                                                                       \
          dOut, dOutStride, gate, gateStride, up, upStride, dGate, dGateStride, dUp, dUpStride,   \
          out, outStride, rows, columns);                                                         \
    }                                                                                             \
  }

GATE(f32, float)
GATE(bf16, bf16)
