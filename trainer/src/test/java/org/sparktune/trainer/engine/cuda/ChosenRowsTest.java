package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

@Tag("gpu")
class ChosenRowsTest {
  private DeviceTwins twins;
  private ChosenRows rows;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(14);
    rows = new ChosenRows(twins.device, twins.kernels, twins.indexes, twins.staging);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      rows.close();
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  F32,  1",
    "F32,  F32,  896",
    "F32,  BF16, 13",
    "BF16, F32,  207",
    "BF16, BF16, 1536",
    "BF16, BF16, 1537",
    "F16,  F32,  64",
    "F16,  BF16, 30"
  })
  void shouldEmbedRowsOfATable(DType from, DType to, int columns) {
    Twin table = twins.random(from, 50, columns, 0);
    Twin out = twins.random(to, 33, columns, 0);
    int[] ids = indexes(33, 50);
    twins.plain.embed(table.plain(), ids, out.plain());
    rows.gather(table.there(), ids, out.there());
    twins.assertClose("out", out);
  }

  @ParameterizedTest
  @CsvSource({"F32, 13, 1", "F32, 896, 0", "BF16, 207, 8", "BF16, 1536, 0"})
  void shouldScatterWhatItGathered(DType type, int columns, int offset) {
    Twin x = twins.random(type, 40, columns, offset);
    Twin gathered = twins.random(type, 9, columns, 0);
    Twin scattered = twins.random(type, 40, columns, offset);
    int[] chosen = {3, 1, 39, 7, 8, 9, 0, 20, 30};
    twins.plain.gatherRows(x.plain(), chosen, gathered.plain());
    rows.gather(x.there(), chosen, gathered.there());
    twins.assertClose("gathered", gathered, 0);
    for (int i = 0; i < chosen.length; i++) {
      twins.plain.copy(
          gathered.plain().rows(i, i + 1), scattered.plain().rows(chosen[i], chosen[i] + 1));
    }
    rows.scatter(gathered.there(), chosen, scattered.there());
    twins.assertClose("scattered", scattered, 0);
  }

  @ParameterizedTest
  @CsvSource({"F32, 1, 5", "F32, 207, 700", "BF16, 896, 300", "BF16, 129, 1"})
  void shouldAddRowsToThoseOfATableInOrder(DType type, int columns, int count) {
    Twin x = twins.random(type, count, columns, 0);
    Twin table = twins.random(DType.F32, 20, columns, 0);
    int[] ids = indexes(count, 20);
    // In floats, one after the other: as the kernel does, to the bit.
    for (int n = 0; n < count; n++) {
      for (int column = 0; column < columns; column++) {
        long place = (long) ids[n] * columns + column;
        float term = x.plain().getFloat((long) n * columns + column);
        table.plain().setFloat(place, table.plain().getFloat(place) + term);
      }
    }
    rows.addRows(x.there(), ids, table.there());
    twins.assertClose("table", table, 0);
  }

  @Test
  void shouldFindTheFirstOfTheGreatestColumns() {
    Twin x = twins.random(DType.F32, 21, 5003, 3);
    assertArrayEquals(twins.plain.greatestColumns(x.plain()), rows.greatestColumns(x.there()));
    Twin equal = twins.vector(4000, 0.5, 0.5 + 1e-12);
    assertArrayEquals(new int[] {0}, rows.greatestColumns(equal.there().reshape(1, 4000)));
    Twin few = twins.vector(3, -2, -1);
    assertArrayEquals(
        twins.plain.greatestColumns(few.plain().reshape(3, 1)),
        rows.greatestColumns(few.there().reshape(3, 1)));
  }

  private int[] indexes(int count, int bound) {
    int[] indexes = new int[count];
    for (int i = 0; i < count; i++) {
      indexes[i] = twins.random.nextInt(bound);
    }
    return indexes;
  }
}
