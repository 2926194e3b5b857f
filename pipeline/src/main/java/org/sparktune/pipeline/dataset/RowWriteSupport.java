package org.sparktune.pipeline.dataset;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;

/** Writes rows as {@code docs/formats.md} says. */
final class RowWriteSupport extends WriteSupport<PackedRow> {
  private static final String[] COLUMNS = {
    "input_ids", "loss_mask", "document_starts", "document_pieces", "document_lines"
  };

  private final Label label;
  private RecordConsumer consumer;

  /** The column of numbers that a kind has beside its tokens. */
  private enum Label {
    NONE(""),
    MARGIN("pair_margins"),
    SCORE("document_scores");

    private final String column;

    Label(String column) {
      this.column = column;
    }

    static Label of(Kind kind) {
      return switch (kind) {
        case SFT, PROMPT -> NONE;
        case PREFERENCE -> MARGIN;
        case REWARD -> SCORE;
      };
    }

    float of(Document document) {
      return this == MARGIN ? document.margin() : document.score();
    }
  }

  /**
   * @param kind what documents are
   */
  RowWriteSupport(Kind kind) {
    this.label = Label.of(kind);
  }

  @Override
  public WriteContext init(Configuration configuration) {
    Types.MessageTypeBuilder schema = Types.buildMessage();
    for (int column = 0; column < COLUMNS.length; column++) {
      schema.requiredList().requiredElement(PrimitiveTypeName.INT32).named(COLUMNS[column]);
    }
    if (label != Label.NONE) {
      schema.requiredList().requiredElement(PrimitiveTypeName.FLOAT).named(label.column);
    }
    MessageType row = schema.named("row");
    return new WriteContext(row, Map.of());
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
      if (document.isPair()) {
        element(start + document.second());
      }
      start += document.length();
    }
    endList(2);
    startList(3);
    for (Document document : row.documents()) {
      forEach(document, document.piece());
    }
    endList(3);
    startList(4);
    for (Document document : row.documents()) {
      // A piece without cuts may have more lines than an int counts; no message needs them exactly.
      forEach(document, (int) Math.min(Integer.MAX_VALUE, document.line()));
    }
    endList(4);
    if (label != Label.NONE) {
      startList(label.column, COLUMNS.length);
      for (Document document : row.documents()) {
        startElement();
        consumer.addFloat(label.of(document));
        endElement();
      }
      endList(label.column, COLUMNS.length);
    }
    consumer.endMessage();
  }

  /** Once, or for both documents of a pair. */
  private void forEach(Document document, int value) {
    element(value);
    if (document.isPair()) {
      element(value);
    }
  }

  private void startList(int column) {
    startList(COLUMNS[column], column);
  }

  private void startList(String name, int column) {
    consumer.startField(name, column);
    consumer.startGroup();
    consumer.startField("list", 0);
  }

  private void element(int value) {
    startElement();
    consumer.addInteger(value);
    endElement();
  }

  private void startElement() {
    consumer.startGroup();
    consumer.startField("element", 0);
  }

  private void endElement() {
    consumer.endField("element", 0);
    consumer.endGroup();
  }

  private void endList(int column) {
    endList(COLUMNS[column], column);
  }

  private void endList(String name, int column) {
    consumer.endField("list", 0);
    consumer.endGroup();
    consumer.endField(name, column);
  }
}
