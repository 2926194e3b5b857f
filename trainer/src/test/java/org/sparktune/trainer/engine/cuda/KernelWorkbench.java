package org.sparktune.trainer.engine.cuda;

import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.VectorOperators.AdamWStep;
import org.sparktune.trainer.engine.VectorOperators.Stretch;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.engine.cuda.runtime.Stopwatch;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * How much of a GPU's memory bandwidth the kernels use at the shapes of training, beside a plain
 * copy. Not a test: run {@code main}. Each repetition works on another of several sets of tensors,
 * so that little is found in the cache.
 */
public final class KernelWorkbench implements AutoCloseable {
  private static final int TOKENS = 16_384;
  private static final int REPEATS = 24;
  private static final long LEAST_BYTES = 600L << 20;

  private final Device device = Device.open(0);
  private final Kernels kernels = new Kernels(device);
  private final Staging staging = new Staging(device);
  private final DeviceIndexes indexes = new DeviceIndexes(device, staging);
  private final Stopwatch watch = new Stopwatch(device);
  private final ColumnSums sums = new ColumnSums(device, kernels);
  private final Norms norms = new Norms(kernels, sums);
  private final Gates gates = new Gates(kernels);
  private final Rope rope = new Rope(kernels, indexes);
  private final ChosenRows rows = new ChosenRows(device, kernels, indexes, staging);
  private final ElementOperators elements = new ElementOperators(kernels);
  private final Conversions conversions = new Conversions(kernels);
  private final ParameterVectors vectors = new ParameterVectors(device, kernels, staging);
  private final Arena host = new Arena("the workbench");
  private final Tensor noise = host.allocate(DType.BF16, 1 << 23);
  private DeviceArena arena = new DeviceArena(device, "the workbench");

  private KernelWorkbench() {
    SplittableRandom random = new SplittableRandom(3);
    for (long i = 0; i < noise.size(); i++) {
      float value = (float) random.nextDouble(0.01, 1);
      Memory.putShort(noise.address() + 2 * i, (short) (Float.floatToRawIntBits(value) >>> 16));
    }
  }

  /**
   * Runs it.
   *
   * @param arguments names of families; none for all
   */
  public static void main(String[] arguments) {
    List<String> wanted = List.of(arguments);
    try (KernelWorkbench bench = new KernelWorkbench()) {
      bench.copies();
      bench.run(wanted, "norms", bench::norms, 896, 1536, 4096);
      bench.run(wanted, "gates", bench::gates, 4864, 8960, 14_336);
      bench.run(wanted, "rope", bench::rotations, 64, 128);
      bench.run(wanted, "others", bench::others, 896, 1536, 8960);
      bench.run(wanted, "optimizer", bench::optimizer, 200_000_000);
      bench.run(wanted, "vocabulary", bench::vocabulary, 151_936, 128_256, 64_000, 32_064);
    }
  }

  private void run(List<String> wanted, String family, IntConsumer work, int... sizes) {
    if (wanted.isEmpty() || wanted.contains(family)) {
      for (int size : sizes) {
        work.accept(size);
        next();
      }
    }
  }

  private Tensor random(DType type, long... shape) {
    Tensor tensor = arena.allocateUncleared(type, shape);
    Tensor halves = Tensor.onDevice(DType.BF16, tensor.deviceAddress(), 0, 0);
    long size = tensor.byteSize() / 2;
    long done = Math.min(size, noise.size());
    staging.upload(part(noise, 0, done), part(halves, 0, done));
    while (done < size) {
      long count = Math.min(done, size - done);
      staging.copy(part(halves, 0, count), part(halves, done, count));
      done += count;
    }
    return tensor;
  }

  private static Tensor part(Tensor tensor, long from, long count) {
    return tensor.place() == Tensor.Place.HOST
        ? Tensor.at(tensor.type(), tensor.address() + 2 * from, count)
        : Tensor.onDevice(tensor.type(), tensor.deviceAddress() + 2 * from, count, count);
  }

  private Tensor[] sets(long bytesOfSet, long... shape) {
    Tensor[] sets = new Tensor[(int) Math.max(1, Math.min(12, LEAST_BYTES / bytesOfSet + 1))];
    for (int i = 0; i < sets.length; i++) {
      sets[i] = random(DType.BF16, shape);
    }
    return sets;
  }

  private void report(String what, double bytes, IntConsumer work) {
    for (int i = 0; i < 3; i++) {
      work.accept(i);
    }
    watch.start();
    for (int i = 0; i < REPEATS; i++) {
      work.accept(i);
    }
    double milliseconds = watch.stop() / REPEATS;
    System.out.printf(
        Locale.ROOT,
        "%-44s %9.1f us %7.0f GB/s%n",
        what,
        milliseconds * 1e3,
        bytes / milliseconds / 1e6);
  }

  private void next() {
    device.synchronize();
    arena.close();
    arena = new DeviceArena(device, "the workbench");
  }

  private void copies() {
    Tensor from = random(DType.BF16, 1L << 30);
    Tensor to = random(DType.BF16, 1L << 30);
    report("copy of 2 GiB", 4.0 * (1L << 30), i -> staging.copy(from, to));
    for (int columns : new int[] {896, 1536}) {
      long bytes = 2L * TOKENS * columns;
      Tensor[] x = sets(2 * bytes, TOKENS, columns);
      Tensor[] y = sets(2 * bytes, TOKENS, columns);
      report("copy " + columns, 2.0 * bytes, i -> staging.copy(x[i % x.length], y[i % x.length]));
    }
    next();
  }

  private void norms(int columns) {
    double bytes = 2.0 * TOKENS * columns;
    Tensor[] x = sets((long) (2 * bytes), TOKENS, columns);
    Tensor[] out = sets((long) (2 * bytes), TOKENS, columns);
    Tensor[] dx = sets((long) (2 * bytes), TOKENS, columns);
    Tensor weight = random(DType.F32, columns);
    Tensor inverse = random(DType.F32, TOKENS);
    Tensor dWeight = random(DType.F32, columns);
    int n = x.length;
    report(
        "rmsNorm " + columns,
        2 * bytes,
        i -> norms.normalize(x[i % n], weight, 1e-6f, out[i % n], inverse));
    report(
        "rmsNormGradient, added, " + columns,
        4 * bytes,
        i -> norms.gradient(out[i % n], x[i % n], weight, inverse, dx[i % n], true, null));
    report(
        "rmsNormGradient, with the weight's, " + columns,
        6 * bytes,
        i -> norms.gradient(out[i % n], x[i % n], weight, inverse, dx[i % n], true, dWeight));
  }

  private void gates(int columns) {
    double bytes = 2.0 * TOKENS * columns;
    Tensor[] gateUp = sets((long) (3 * bytes), TOKENS, 2L * columns);
    Tensor[] out = sets((long) (3 * bytes), TOKENS, columns);
    int n = gateUp.length;
    report(
        "swiglu " + columns,
        3 * bytes,
        i -> {
          Tensor both = gateUp[i % n];
          gates.swiglu(both.columns(0, columns), both.columns(columns, 2L * columns), out[i % n]);
        });
    report(
        "swigluGradient in place " + columns,
        5 * bytes,
        i -> {
          Tensor gate = gateUp[i % n].columns(0, columns);
          Tensor up = gateUp[i % n].columns(columns, 2L * columns);
          gates.gradient(out[i % n], gate, up, gate, up);
        });
  }

  private void rotations(int headSize) {
    int heads = headSize == 64 ? 16 : 14;
    long stride = 9L * heads * headSize / 8;
    double bytes = 2.0 * TOKENS * heads * headSize;
    Tensor[] x = sets(2 * TOKENS * stride, TOKENS, stride);
    Tensor cos = random(DType.F32, 2048, headSize / 2);
    Tensor sin = random(DType.F32, 2048, headSize / 2);
    int[] positions = new int[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      positions[i] = i % 2048;
    }
    report(
        "rope %d x %d".formatted(heads, headSize),
        2 * bytes,
        i ->
            rope.rotate(
                x[i % x.length].columns(0, (long) heads * headSize),
                cos,
                sin,
                positions,
                headSize,
                false));
  }

  private void others(int columns) {
    double bytes = 2.0 * TOKENS * columns;
    Tensor[] x = sets((long) (2 * bytes), TOKENS, columns);
    Tensor[] y = sets((long) (2 * bytes), TOKENS, columns);
    Tensor vector = random(DType.F32, columns);
    Tensor single = random(DType.F32, TOKENS, columns);
    Tensor table = random(DType.BF16, 50_000, columns);
    Tensor dTable = arena.allocate(DType.F32, 50_000, columns);
    SplittableRandom random = new SplittableRandom(4);
    int[] ids = new int[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      // A few ids are most of them, as in text.
      ids[i] = random.nextInt(1 + random.nextInt(1 + random.nextInt(50_000)));
    }
    int n = x.length;
    report("sums of columns " + columns, bytes, i -> sums.addColumns(x[i % n], vector));
    report("columnDots " + columns, 2 * bytes, i -> sums.products(x[i % n], y[i % n], vector));
    report("add " + columns, 3 * bytes, i -> elements.add(x[i % n], y[i % n]));
    report(
        "scaleColumns " + columns,
        2 * bytes,
        i -> elements.scaleColumns(x[i % n], vector, vector, y[i % n], false));
    report(
        "dropout " + columns, 2 * bytes, i -> elements.dropout(x[i % n], i, 0.1f, y[i % n], false));
    report("embed " + columns, 2 * bytes, i -> rows.gather(table, ids, y[i % n]));
    report("embedGradient " + columns, 5 * bytes, i -> rows.addRows(x[i % n], ids, dTable));
    report("F32 to BF16 " + columns, 3 * bytes, i -> conversions.copy(single, y[i % n]));
  }

  private void optimizer(int size) {
    Tensor parameters = random(DType.F32, size);
    Tensor gradients = random(DType.F32, size);
    Tensor first = random(DType.F32, size);
    Tensor second = random(DType.F32, size);
    List<Stretch> one = List.of(new Stretch(0, 0, size, true));
    AdamWStep step = new AdamWStep(1, 0.999f, 0.1f, 0.999f, 0.001f, 0.5f, 1e-8f, -1e-4f);
    report(
        "adamW of 200 million",
        28.0 * size,
        i -> vectors.adamW(step, one, parameters, gradients, first, second));
    ExactSum sum = new ExactSum();
    report(
        "addSquares of 200 million, read back",
        4.0 * size,
        i -> vectors.addSquares(gradients, new Range(0, size), sum));
    Tensor little = parameters.view(0, 8_798_208);
    report(
        "addSquares of 8.8 million, read back",
        4.0 * little.size(),
        i -> vectors.addSquares(little, new Range(0, little.size()), sum));
  }

  private void vocabulary(int columns) {
    int tokens = 2048;
    Tensor logits = random(DType.BF16, tokens, columns);
    Tensor logProbs = random(DType.F32, tokens);
    Tensor dLogProbs = random(DType.F32, tokens);
    long targets = indexes.of(new int[tokens]);
    LogitRows rowsOfLogits = new LogitRows(device, kernels);
    report(
        "cross-entropy and its gradient " + columns,
        4.0 * logits.size(),
        i -> rowsOfLogits.scoreAndDifferentiate(logits, targets, logProbs, dLogProbs));
  }

  @Override
  public void close() {
    device.synchronize();
    arena.close();
    vectors.close();
    rows.close();
    sums.close();
    watch.close();
    indexes.close();
    staging.close();
    kernels.close();
    host.close();
    device.close();
  }
}
