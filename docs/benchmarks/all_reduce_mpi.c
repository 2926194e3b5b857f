// All-reduce of floats with MPI, measured as the others: median of ten rounds after two, each after a barrier.
// Usage: mpirun -n RANKS all_reduce_mpi MIB...
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 12, SKIPPED = 2 };

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int argument = 1; argument < argc; argument++) {
    int count = atoi(argv[argument]) << 18;
    float *values = malloc(sizeof(float) * (size_t)count);
    double seconds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < count; i++) values[i] = rank + 1.0f;
      MPI_Barrier(MPI_COMM_WORLD);
      double start = MPI_Wtime();
      MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      seconds[round] = MPI_Wtime() - start;
      float expected = ranks * (ranks + 1) / 2.0f;
      if (values[0] != expected || values[count - 1] != expected) MPI_Abort(MPI_COMM_WORLD, 1);
    }
    qsort(seconds + SKIPPED, ROUNDS - SKIPPED, sizeof(double), ascending);
    double median = seconds[SKIPPED + (ROUNDS - SKIPPED) / 2];
    double bus = 2.0 * (ranks - 1) / ranks * count * sizeof(float) / median / 1e9;
    if (rank == 0) printf("RESULT %d %s %.3f ms %.2f GB/s\n", ranks, argv[argument], median * 1e3, bus);
    free(values);
  }
  MPI_Finalize();
  return 0;
}
