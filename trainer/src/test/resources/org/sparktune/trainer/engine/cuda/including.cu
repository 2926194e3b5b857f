#include "prelude.cuh"
extern "C" __global__ void nothing() {}
