package org.sparktune.trainer.engine.cuda;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Staging;

/**
 * The runs of positions that attention goes over (documents, or sequences of a cache) and how
 * kernels cut them into tiles, on the GPU. They are sent once for all blocks of a model.
 */
final class AttentionRuns implements AutoCloseable {
  /** First query row, queries, first key row, keys; the queries are the last of the keys. */
  private static final int FIELDS = 4;

  /**
   * How runs are cut.
   *
   * @param size rows of a tile
   * @param ofKeys whether tiles are of keys, not of queries
   * @param window the latest positions that a query sees
   */
  record Cut(int size, boolean ofKeys, int window) {}

  /**
   * Tiles in the GPU's memory, the one with the most work first, so that the last to be done are
   * short.
   *
   * @param address pairs of a run and the tile's first row within it
   */
  record Tiles(long address, int count) {}

  private final Device device;
  private final Staging staging;
  private final DeviceScratch memory;
  private final Map<Cut, DeviceScratch> tileMemory = new HashMap<>();
  private final Map<Cut, Tiles> tiles = new HashMap<>();
  private int[] documentStarts;
  private int[] runs = {};
  private long address;

  AttentionRuns(Device device, Staging staging) {
    this.device = device;
    this.staging = staging;
    memory = new DeviceScratch(device, "attention's documents");
  }

  /** Takes documents laid end to end; the array is known again by its identity. */
  AttentionRuns ofDocuments(int[] starts) {
    if (starts == documentStarts) {
      return this;
    }
    int[] fields = new int[(starts.length - 1) * FIELDS];
    for (int i = 0; i < starts.length - 1; i++) {
      int length = starts[i + 1] - starts[i];
      put(fields, i, starts[i], length, starts[i], length);
    }
    set(fields);
    documentStarts = starts;
    return this;
  }

  /** Sets one run of an array for {@link #set}. */
  static void put(int[] fields, int run, int queryRow, int queries, int keyRow, int keys) {
    fields[FIELDS * run] = queryRow;
    fields[FIELDS * run + 1] = queries;
    fields[FIELDS * run + 2] = keyRow;
    fields[FIELDS * run + 3] = keys;
  }

  /** An array for {@link #put}. */
  static int[] fields(int count) {
    return new int[FIELDS * count];
  }

  /** Takes other runs. */
  void set(int[] fields) {
    documentStarts = null;
    runs = fields;
    tiles.clear();
    address = memory.reserve((long) Math.max(1, fields.length) * Integer.BYTES);
    if (fields.length > 0) {
      staging.upload(fields, address);
    }
  }

  /** Where the runs lie. */
  long address() {
    return address;
  }

  /** The tiles of a cut. */
  Tiles tiles(Cut cut) {
    Tiles known = tiles.get(cut);
    if (known == null) {
      known = send(cut);
      tiles.put(cut, known);
    }
    return known;
  }

  private Tiles send(Cut cut) {
    int[] pairs = pairs(runs, cut);
    DeviceScratch target =
        tileMemory.computeIfAbsent(cut, key -> new DeviceScratch(device, "attention's tiles"));
    long at = target.reserve((long) Math.max(1, pairs.length) * Integer.BYTES);
    if (pairs.length > 0) {
      staging.upload(pairs, at);
    }
    return new Tiles(at, pairs.length / 2);
  }

  /** The tiles of runs, the longest work first, then in the order of runs. */
  static int[] pairs(int[] runs, Cut cut) {
    int count = 0;
    for (int run = 0; run < runs.length; run += FIELDS) {
      count += (rows(runs, run, cut) + cut.size() - 1) / cut.size();
    }
    int[] unsorted = new int[2 * count];
    long[] order = new long[count];
    int index = 0;
    for (int run = 0; run < runs.length; run += FIELDS) {
      int rows = rows(runs, run, cut);
      for (int first = 0; first < rows; first += cut.size()) {
        unsorted[2 * index] = run / FIELDS;
        unsorted[2 * index + 1] = first;
        int keys = runs[run + 3];
        int work =
            cut.ofKeys() ? keys - first : Math.min(keys, keys - runs[run + 1] + first + cut.size());
        long limited = Math.min(work, (long) cut.window() + cut.size());
        order[index] = -limited << Integer.SIZE | index;
        index++;
      }
    }
    Arrays.sort(order);
    int[] sorted = new int[2 * count];
    for (int i = 0; i < count; i++) {
      int from = (int) order[i];
      sorted[2 * i] = unsorted[2 * from];
      sorted[2 * i + 1] = unsorted[2 * from + 1];
    }
    return sorted;
  }

  private static int rows(int[] runs, int run, Cut cut) {
    return runs[run + (cut.ofKeys() ? 3 : 1)];
  }

  @Override
  public void close() {
    memory.close();
    tileMemory.values().forEach(DeviceScratch::close);
    tileMemory.clear();
    tiles.clear();
    documentStarts = null;
  }
}
