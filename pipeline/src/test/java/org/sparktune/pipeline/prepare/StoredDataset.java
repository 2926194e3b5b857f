package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.sparktune.core.DatasetManifest;

/** Reads a dataset back, plainly. */
final class StoredDataset {
  private StoredDataset() {}

  /** One row. */
  record Row(List<Integer> ids, List<Integer> lossMask, List<Integer> starts) {}

  static List<Row> rows(String folder, DatasetManifest.Split split) throws IOException {
    List<Row> rows = new ArrayList<>();
    for (DatasetManifest.Part part : split.parts()) {
      try (ParquetReader<Group> reader =
          ParquetReader.builder(
                  new GroupReadSupport(), new org.apache.hadoop.fs.Path(folder, part.path()))
              .withConf(new Configuration())
              .build()) {
        for (Group group = reader.read(); group != null; group = reader.read()) {
          rows.add(
              new Row(
                  integers(group, "input_ids"),
                  integers(group, "loss_mask"),
                  integers(group, "document_starts")));
        }
      }
    }
    return rows;
  }

  /** A column of numbers, by row. */
  static List<List<Float>> floats(String folder, DatasetManifest.Split split, String column)
      throws IOException {
    List<List<Float>> rows = new ArrayList<>();
    for (DatasetManifest.Part part : split.parts()) {
      try (ParquetReader<Group> reader =
          ParquetReader.builder(
                  new GroupReadSupport(), new org.apache.hadoop.fs.Path(folder, part.path()))
              .withConf(new Configuration())
              .build()) {
        for (Group group = reader.read(); group != null; group = reader.read()) {
          Group list = group.getGroup(column, 0);
          List<Float> values = new ArrayList<>();
          for (int i = 0; i < list.getFieldRepetitionCount("list"); i++) {
            values.add(list.getGroup("list", i).getFloat("element", 0));
          }
          rows.add(values);
        }
      }
    }
    return rows;
  }

  private static List<Integer> integers(Group row, String column) {
    Group list = row.getGroup(column, 0);
    List<Integer> values = new ArrayList<>();
    for (int i = 0; i < list.getFieldRepetitionCount("list"); i++) {
      values.add(list.getGroup("list", i).getInteger("element", 0));
    }
    return values;
  }
}
