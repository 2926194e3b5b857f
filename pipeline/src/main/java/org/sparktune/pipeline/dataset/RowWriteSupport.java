package org.sparktune.pipeline.dataset;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import org.sparktune.pipeline.sample.Document;

/** Writes rows of kind {@code sft} as {@code docs/formats.md} describes them. */
final class RowWriteSupport extends WriteSupport<PackedRow> {
  private static final String[] COLUMNS = {
    "input_ids", "loss_mask", "document_starts", "document_pieces", "document_lines"
  };
  private static final MessageType SCHEMA =
      Types.buildMessage()
          .requiredList()
          .requiredElement(PrimitiveTypeName.INT32)
          .named(COLUMNS[0])
          .requiredList()
          .requiredElement(PrimitiveTypeName.INT32)
          .named(COLUMNS[1])
          .requiredList()
          .requiredElement(PrimitiveTypeName.INT32)
          .named(COLUMNS[2])
          .requiredList()
          .requiredElement(PrimitiveTypeName.INT32)
          .named(COLUMNS[3])
          .requiredList()
          .requiredElement(PrimitiveTypeName.INT32)
          .named(COLUMNS[4])
          .named("row");

  private RecordConsumer consumer;

  @Override
  public WriteContext init(Configuration configuration) {
    return new WriteContext(SCHEMA, Map.of());
  }

  @Override
  public void prepareForWrite(RecordConsumer recordConsumer) {
    this.consumer = recordConsumer;
  }

  @Override
  public void write(PackedRow row) {
    consumer.startMessage();
    startList(0);
    for (Document document : row.documents()) {
      for (int id : document.ids()) {
        element(id);
      }
    }
    endList(0);
    startList(1);
    for (Document document : row.documents()) {
      for (byte loss : document.lossMask()) {
        element(loss);
      }
    }
    endList(1);
    startList(2);
    int start = 0;
    for (Document document : row.documents()) {
      element(start);
      start += document.length();
    }
    endList(2);
    startList(3);
    for (Document document : row.documents()) {
      element(document.piece());
    }
    endList(3);
    startList(4);
    for (Document document : row.documents()) {
      // A piece without cuts may have more lines than an int counts; no message needs them exactly.
      element((int) Math.min(Integer.MAX_VALUE, document.line()));
    }
    endList(4);
    consumer.endMessage();
  }

  private void startList(int column) {
    consumer.startField(COLUMNS[column], column);
    consumer.startGroup();
    consumer.startField("list", 0);
  }

  private void element(int value) {
    consumer.startGroup();
    consumer.startField("element", 0);
    consumer.addInteger(value);
    consumer.endField("element", 0);
    consumer.endGroup();
  }

  private void endList(int column) {
    consumer.endField("list", 0);
    consumer.endGroup();
    consumer.endField(COLUMNS[column], column);
  }
}
