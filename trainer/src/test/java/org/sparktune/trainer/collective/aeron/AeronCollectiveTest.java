package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Ranks;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

@Timeout(120)
class AeronCollectiveTest {
  private static final int[] LENGTHS = {0, 1, 2, 5, 1023, 1024, 1025, 4099, 65_537, 1_000_003};

  @ParameterizedTest
  @CsvSource({
    "IPC, 2", "IPC, 3", "IPC, 4", "IPC, 5", "IPC, 6", "IPC, 7", "IPC, 8", "UDP, 2", "UDP, 3",
    "UDP, 4", "UDP, 7"
  })
  void shouldEqualTheSequentialTree(Medium medium, int ranks) {
    Ranks.run(
        ranks,
        Ranks.options().medium(medium).build(),
        collective -> {
          for (int length : LENGTHS) {
            checkReductions(collective, length);
            checkBroadcast(collective, length);
          }
          checkSums(collective);
        });
  }

  private static void checkReductions(Collective collective, int length) {
    int rank = collective.rank();
    int ranks = collective.ranks();
    float[] expected = treeSum(ranks, length);
    try (Arena arena = new Arena("test")) {
      Tensor bucket = bucket(arena, vector(rank, length));
      collective.allReduce(bucket).join();
      assertArrayEquals(bits(expected), bits(read(bucket, length)), "all-reduce of " + length);

      Tensor scattered = bucket(arena, vector(rank, length));
      collective.reduceScatter(scattered).join();
      Slices.Range owned = Slices.owned(rank, ranks, length);
      int from = (int) owned.from();
      int to = (int) owned.to();
      assertArrayEquals(
          bits(Arrays.copyOfRange(expected, from, to)),
          bits(Arrays.copyOfRange(read(scattered, length), from, to)),
          "reduce-scatter of " + length);
      collective.allGather(scattered).join();
      assertArrayEquals(bits(expected), bits(read(scattered, length)), "all-gather of " + length);
    }
  }

  private static void checkBroadcast(Collective collective, int length) {
    for (int root = 0; root < collective.ranks(); root++) {
      try (Arena arena = new Arena("test")) {
        Tensor bucket = bucket(arena, vector(collective.rank(), length));
        collective.broadcast(bucket, root).join();
        assertArrayEquals(bits(vector(root, length)), bits(read(bucket, length)));
      }
    }
  }

  private static void checkSums(Collective collective) {
    for (int count : new int[] {0, 1, 3, 1000, Collective.MAX_NUMBERS}) {
      long[] values = new long[count];
      for (int i = 0; i < count; i++) {
        values[i] = ((collective.rank() + 1L) * (i + 1)) << 20;
      }
      collective.sum(values);
      long factor = collective.ranks() * (collective.ranks() + 1L) / 2;
      for (int i = 0; i < count; i++) {
        assertEquals((factor * (i + 1)) << 20, values[i]);
      }
    }
    collective.barrier();
  }

  /** The sum as {@link Slices} writes it down, one addition after the other. */
  static float[] treeSum(int ranks, int length) {
    List<float[]> level = new ArrayList<>();
    for (int group = 0; group < Slices.groups(ranks); group++) {
      int leader = Slices.leader(group, ranks);
      float[] sum = vector(leader, length);
      if (leader + 1 < ranks && Slices.isFollower(leader + 1, ranks)) {
        sum = add(sum, vector(leader + 1, length));
      }
      level.add(sum);
    }
    while (level.size() > 1) {
      List<float[]> next = new ArrayList<>();
      for (int i = 0; i < level.size(); i += 2) {
        next.add(add(level.get(i), level.get(i + 1)));
      }
      level = next;
    }
    return level.get(0);
  }

  private static float[] add(float[] a, float[] b) {
    float[] sum = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  static float[] vector(int rank, int length) {
    Random random = new Random(31L * rank + length);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (random.nextFloat() - 0.5f) * (1 << random.nextInt(20));
    }
    return values;
  }

  static Tensor bucket(Arena arena, float[] values) {
    Tensor room = arena.allocate(DType.F32, Math.max(1, values.length));
    Tensor bucket = room.view(0, values.length);
    if (values.length > 0) {
      bucket.set(values);
    }
    return bucket;
  }

  static float[] read(Tensor bucket, int length) {
    return length == 0 ? new float[0] : bucket.toFloatArray();
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
