package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Makes the dense form of a {@link LazyWeight} in memory that all share. Work on the stream is in
 * order, so a product has read it before the next one is made.
 */
final class LazyWeights implements AutoCloseable {
  private final CudaFootprint footprint;
  private final Conversions conversions;
  private final Dequantization dequantization;
  private final DeviceScratch dense;

  /**
   * @param dequantization closed with it
   */
  LazyWeights(
      Device device,
      CudaFootprint footprint,
      Conversions conversions,
      Dequantization dequantization) {
    this.footprint = footprint;
    this.conversions = conversions;
    this.dequantization = dequantization;
    dense = new DeviceScratch(device, "the dense form of a matrix");
  }

  /** The weight itself, or its dense form, which the next call overwrites. */
  CudaWeight ready(Weight weight) {
    if (!(weight instanceof LazyWeight lazy)) {
      return (CudaWeight) weight;
    }
    DType type = footprint.operandType();
    long out = weight.out();
    long in = weight.in();
    boolean frozen = lazy.source() == null;
    long rows = frozen ? footprint.extendedColumns(out, 1) : out;
    long columns = frozen ? footprint.extendedColumns(in, 1) : in;
    boolean extended = rows > out && columns > in;
    if (!extended) {
      rows = out;
      columns = in;
    }
    long address = dense.reserve(rows * columns * type.bytes());
    Tensor whole = Tensor.onDevice(type, address, columns, rows, columns);
    Tensor operand = whole.rows(0, out).columns(0, in);
    if (frozen) {
      dequantization.decode(lazy.quantized(), operand);
    } else {
      conversions.copy(lazy.source(), operand);
    }
    return new CudaWeight(operand, null, extended ? whole : null);
  }

  @Override
  public void close() {
    dequantization.close();
    dense.close();
  }
}
