package org.sparktune.pipeline.source;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.Type;

/** Parquet's records as JSON values. */
final class ParquetValues {
  private ParquetValues() {}

  static Map<String, Object> map(Group group) {
    Map<String, Object> map = new LinkedHashMap<>();
    GroupType type = group.getType();
    for (int field = 0; field < type.getFieldCount(); field++) {
      map.put(type.getFieldName(field), field(group, field));
    }
    return map;
  }

  private static Object field(Group group, int field) {
    Type type = group.getType().getType(field);
    int count = group.getFieldRepetitionCount(field);
    if (type.isRepetition(Type.Repetition.REPEATED)) {
      List<Object> values = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        values.add(value(group, field, i));
      }
      return values;
    }
    return count == 0 ? null : value(group, field, 0);
  }

  private static Object value(Group group, int field, int index) {
    Type type = group.getType().getType(field);
    if (type.isPrimitive()) {
      return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
        case INT32 -> (long) group.getInteger(field, index);
        case INT64 -> group.getLong(field, index);
        case FLOAT -> (double) group.getFloat(field, index);
        case DOUBLE -> group.getDouble(field, index);
        case BOOLEAN -> group.getBoolean(field, index);
        case BINARY -> group.getString(field, index);
        case FIXED_LEN_BYTE_ARRAY, INT96 -> group.getValueToString(field, index);
      };
    }
    Group inner = group.getGroup(field, index);
    if (type.getLogicalTypeAnnotation() instanceof ListLogicalTypeAnnotation) {
      return list(inner);
    }
    if (type.getLogicalTypeAnnotation() instanceof MapLogicalTypeAnnotation) {
      return entries(inner);
    }
    return map(inner);
  }

  /** The two- and three-level list layouts of the Parquet format. */
  private static List<Object> list(Group list) {
    int count = list.getFieldRepetitionCount(0);
    Type repeated = list.getType().getType(0);
    boolean wrapped =
        !repeated.isPrimitive()
            && repeated.asGroupType().getFieldCount() == 1
            && !repeated.getName().equals("array")
            && !repeated.getName().endsWith("_tuple");
    List<Object> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(wrapped ? field(list.getGroup(0, i), 0) : value(list, 0, i));
    }
    return values;
  }

  private static Map<String, Object> entries(Group map) {
    Map<String, Object> entries = new LinkedHashMap<>();
    for (int i = 0; i < map.getFieldRepetitionCount(0); i++) {
      Group entry = map.getGroup(0, i);
      entries.put(String.valueOf(field(entry, 0)), field(entry, 1));
    }
    return entries;
  }
}
