package org.sparktune.trainer.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void shouldShareMemoryBetweenViews() {
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, 3, 4);
      matrix.set(new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
      Tensor block = matrix.columns(1, 3).rows(1, 3);
      assertEquals(9f, Memory.getFloat(block.rowAddress(1)));
      assertArrayEquals(new float[] {4, 5, 6, 7}, matrix.view(4, 4).toFloatArray());
      assertEquals(5f, matrix.buffer(0, 48).getFloat(20));
      assertThrows(IndexOutOfBoundsException.class, () -> matrix.view(9, 4));
      assertThrows(IllegalStateException.class, block::byteSize);
    }
  }
}
