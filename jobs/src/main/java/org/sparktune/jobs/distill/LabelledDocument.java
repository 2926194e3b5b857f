package org.sparktune.jobs.distill;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.sparktune.trainer.dataset.Seeds;

/**
 * A document with what its teacher says of it: a row of {@code labels/}.
 *
 * @param number the dataset's row, and in the lowest bits the document's place in it
 * @param role whether it is one of a pair
 * @param ids its tokens
 * @param teacher the teacher's score
 * @param other the teacher's score of the pair's other document; null where there is none
 * @param given the dataset's own score; null where there is none
 */
record LabelledDocument(long number, Role role, int[] ids, float teacher, Float other, Float given)
    implements Serializable {
  /** Documents of a row are numbered in so many bits. */
  static final int DOCUMENT_BITS = 24;

  static final StructType SCHEMA =
      DataTypes.createStructType(
          List.of(
              field("document", DataTypes.LongType, false),
              field("role", DataTypes.StringType, false),
              field("input_ids", DataTypes.createArrayType(DataTypes.IntegerType, false), false),
              field("teacher_score", DataTypes.FloatType, false),
              field("other_score", DataTypes.FloatType, true),
              field("score", DataTypes.FloatType, true)));

  /** What a document is to another. */
  enum Role {
    /** It stands alone. */
    SINGLE,
    /** It is the better of two. */
    CHOSEN,
    /** It is the worse of two. */
    REJECTED
  }

  private static StructField field(
      String name, org.apache.spark.sql.types.DataType type, boolean nullable) {
    return DataTypes.createStructField(name, type, nullable);
  }

  Row toRow() {
    return RowFactory.create(number, role.name(), ids, teacher, other, given);
  }

  static LabelledDocument ofRow(Row row) {
    List<Integer> list = row.getList(2);
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = list.get(i);
    }
    return new LabelledDocument(
        row.getLong(0),
        Role.valueOf(row.getString(1)),
        ids,
        row.getFloat(3),
        row.isNullAt(4) ? null : row.getFloat(4),
        row.isNullAt(5) ? null : row.getFloat(5));
  }

  /**
   * Another order for every seed: no two documents have the same key.
   *
   * @return the place of this document among all longs
   */
  long key(long seed) {
    return Seeds.derive(seed, number);
  }

  /** The same for both documents of a pair: whether they belong to a share of all. */
  boolean isIn(double share) {
    return (Seeds.derive(0, number >> 1) >>> 11) * 0x1.0p-53 < share;
  }
}
