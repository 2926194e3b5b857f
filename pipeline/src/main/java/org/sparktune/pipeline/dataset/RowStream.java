package org.sparktune.pipeline.dataset;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.sparktune.pipeline.sample.Document;

/**
 * Turns a stream of documents into a stream of rows, a bounded group at a time: enough documents
 * for the packing to be good, few enough for any executor.
 */
final class RowStream implements Iterator<PackedRow> {
  /** A group holds at most about this many tokens (5 bytes each). */
  private static final int GROUP_TOKENS = 2 << 20;

  private static final int GROUP_DOCUMENTS = 1 << 16;

  private final Iterator<Document> documents;
  private final Packer packer;
  private Iterator<PackedRow> rows = List.<PackedRow>of().iterator();

  /**
   * @param documents in their final order
   * @param sequenceLength tokens of a row
   * @param packing whether documents share rows
   */
  RowStream(Iterator<Document> documents, int sequenceLength, boolean packing) {
    this.documents = documents;
    this.packer = packing ? new Packer(sequenceLength) : null;
  }

  @Override
  public boolean hasNext() {
    return rows.hasNext() || documents.hasNext();
  }

  @Override
  public PackedRow next() {
    if (packer == null) {
      return new PackedRow(List.of(documents.next()));
    }
    if (!rows.hasNext()) {
      rows = group().iterator();
    }
    return rows.next();
  }

  private List<PackedRow> group() {
    List<Document> group = new ArrayList<>();
    for (int tokens = 0;
        documents.hasNext() && tokens < GROUP_TOKENS && group.size() < GROUP_DOCUMENTS; ) {
      Document document = documents.next();
      group.add(document);
      tokens += document.length();
    }
    List<PackedRow> packed = new ArrayList<>();
    for (List<Integer> members : packer.pack(group)) {
      List<Document> row = new ArrayList<>(members.size());
      for (int member : members) {
        row.add(group.get(member));
      }
      packed.add(new PackedRow(row));
    }
    return packed;
  }
}
