package org.sparktune.trainer.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TensorMemoryTest {
  private static final TensorMemory HOST = TensorMemory.HOST;

  @Test
  void shouldCopyAndClearOnlyTheColumnsItIsGiven() {
    try (TensorArena arena = HOST.arena("a test")) {
      Tensor from = arena.allocate(DType.F32, 2, 3).set(new float[] {1, 2, 3, 4, 5, 6});
      Tensor to = arena.allocate(DType.F32, 2, 4).set(new float[] {9, 9, 9, 9, 9, 9, 9, 9});
      HOST.copy(from.columns(1, 3), to.columns(0, 2));
      assertArrayEquals(new float[] {2, 3, 9, 9, 5, 6, 9, 9}, to.toFloatArray());
      HOST.copy(from, to.columns(1, 4));
      assertArrayEquals(new float[] {2, 1, 2, 3, 5, 4, 5, 6}, to.toFloatArray());
      HOST.zero(to.columns(1, 3));
      assertArrayEquals(new float[] {2, 0, 0, 3, 5, 0, 0, 6}, to.toFloatArray());
      HOST.fill(to.columns(2, 4), 7);
      assertArrayEquals(new float[] {2, 0, 7, 7, 5, 0, 7, 7}, to.toFloatArray());
      HOST.zero(to);
      assertArrayEquals(new float[8], to.toFloatArray());
    }
  }

  @Test
  void shouldRefuseToCopyBetweenTypesAndShapes() {
    try (TensorArena arena = HOST.arena("a test")) {
      Tensor floats = arena.allocate(DType.F32, 2, 3);
      Tensor halves = arena.allocate(DType.BF16, 2, 3);
      Tensor turned = arena.allocate(DType.F32, 3, 2);
      assertThrows(IllegalArgumentException.class, () -> HOST.copy(floats, halves));
      assertThrows(IllegalArgumentException.class, () -> HOST.copy(floats, turned));
      assertThrows(IllegalArgumentException.class, () -> HOST.fill(halves, 1));
    }
  }

  @Test
  void shouldKeepTheHostAwayFromTensorsOnADevice() {
    Tensor matrix = Tensor.onDevice(DType.F32, 4096, 6, 2, 6);
    try (Arena arena = new Arena("a test")) {
      Tensor host = arena.allocate(DType.F32, 2, 6);
      Map<String, Executable> accesses =
          Map.ofEntries(
              Map.entry("address", matrix::address),
              Map.entry("rowAddress", () -> matrix.rowAddress(0)),
              Map.entry("getFloat", () -> matrix.getFloat(0)),
              Map.entry("setFloat", () -> matrix.setFloat(0, 1)),
              Map.entry("getInt", () -> matrix.getInt(0)),
              Map.entry("setInt", () -> matrix.setInt(0, 1)),
              Map.entry("set", () -> matrix.set(new float[12])),
              Map.entry("toFloatArray", matrix::toFloatArray),
              Map.entry("zero", matrix::zero),
              Map.entry("copyFrom", () -> matrix.copyFrom(host)),
              Map.entry("copyFrom a device", () -> host.copyFrom(matrix)),
              Map.entry("buffer", () -> matrix.buffer(0, 4)),
              Map.entry("a copy by the host", () -> HOST.copy(matrix, host)),
              Map.entry("a host's zero", () -> HOST.zero(matrix)),
              Map.entry("a host's fill", () -> HOST.fill(matrix, 1)));
      accesses.forEach(
          (name, access) -> {
            Exception refused = assertThrows(IllegalStateException.class, access, name);
            assertEquals(
                "F32[2, 6] on the device cannot be reached from the host", refused.getMessage());
          });
      assertThrows(IllegalStateException.class, host::deviceAddress);
    }
  }

  @Test
  void shouldKeepTheDeviceInViews() {
    Tensor matrix = Tensor.onDevice(DType.F32, 4096, 6, 2, 6);
    Tensor block = Tensor.onDevice(DType.I8, 4096, 64, 64);
    List<Tensor> views =
        List.of(
            matrix.rows(1, 2),
            matrix.columns(0, 6).rows(1, 2),
            matrix.view(6, 6),
            matrix.reshape(12).view(6, 3),
            block.cut(24, DType.BF16, 2, 10));
    for (Tensor view : views) {
      assertEquals(Tensor.Place.DEVICE, view.place());
      assertEquals(4096 + 24, view.deviceAddress());
    }
    assertEquals(Tensor.Place.HOST, Tensor.at(DType.F32, 64, 1).place());
  }

  @Test
  void shouldCutOnlyWhatABlockHolds() {
    try (Arena arena = new Arena("a test")) {
      Tensor block = arena.allocate(DType.I8, 64);
      block.cut(32, DType.F32, 2, 4).set(new float[] {1, 2, 3, 4, 5, 6, 7, 8});
      assertEquals(3f, block.cut(40, DType.F32, 1).getFloat(0));
      assertThrows(IndexOutOfBoundsException.class, () -> block.cut(36, DType.F32, 2, 4));
      assertThrows(IndexOutOfBoundsException.class, () -> block.cut(-4, DType.F32, 1));
      Tensor floats = arena.allocate(DType.F32, 4);
      assertThrows(IndexOutOfBoundsException.class, () -> floats.cut(0, DType.F32, 1));
    }
  }
}
