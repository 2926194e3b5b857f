package org.sparktune.trainer.engine.cpu;

/**
 * What a matrix product needs to know besides addresses: c = alpha·op(a)·op(b) + bias + beta·c.
 *
 * @param rows rows of c
 * @param columns columns of c
 * @param inner columns of op(a), rows of op(b)
 * @param transposeA whether op(a) = aᵀ
 * @param strideA elements between rows of a as it lies in memory
 * @param transposeB whether op(b) = bᵀ
 * @param strideB elements between rows of b as it lies in memory
 * @param strideC elements between rows of c
 * @param packedB whether b lies in the library's own layout, so that transposeB and strideB say
 *     nothing
 * @param bf16 whether a and b are BF16; c and the bias are always F32
 * @param bias whether a bias {@code (columns)} is added; then alpha is 1
 */
record GemmShape(
    int rows,
    int columns,
    int inner,
    boolean transposeA,
    long strideA,
    boolean transposeB,
    long strideB,
    boolean packedB,
    long strideC,
    boolean bf16,
    boolean bias,
    float alpha,
    float beta) {

  /** The same product over a block of c. */
  GemmShape block(int blockRows, int blockColumns) {
    return new GemmShape(
        blockRows,
        blockColumns,
        inner,
        transposeA,
        strideA,
        transposeB,
        strideB,
        packedB,
        strideC,
        bf16,
        bias,
        alpha,
        beta);
  }

  int operandBytes() {
    return bf16 ? Short.BYTES : Float.BYTES;
  }
}
