extern "C" __global__ void count(float* numbers, int size, float first) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) {
    numbers[i] = first + i;
  }
}
