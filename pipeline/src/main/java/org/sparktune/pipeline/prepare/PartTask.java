package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.Iterator;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.dataset.PartResult;
import org.sparktune.pipeline.dataset.PartWriter;
import org.sparktune.pipeline.report.DocumentDigest;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import scala.Tuple2;

/** What is done with the documents of one part, which arrive in their final order. */
final class PartTask {

  /**
   * What a partition sends to the driver.
   *
   * @param part what was written, or null
   * @param statistics what was counted, from the one partition that gathers it, or null
   * @param counters what was counted in this part
   * @param digest a summary of the part's documents
   */
  record Outcome(
      PartResult part, PieceStatistics statistics, Counters counters, DocumentDigest digest)
      implements Serializable {}

  private final PrepareOptions options;
  private final PartLayout layout;
  private final String folder;
  private final Configuration configuration;

  PartTask(PrepareOptions options, PartLayout layout, String folder, Configuration configuration) {
    this.options = options;
    this.layout = layout;
    this.folder = folder;
    this.configuration = configuration;
  }

  Outcome run(int partition, long attempt, Iterator<Tuple2<DocumentKey, byte[]>> records) {
    if (partition == layout.statisticsPartition()) {
      PieceStatistics all = new PieceStatistics();
      while (records.hasNext()) {
        all.merge(PieceTask.statistics(records.next()._2()));
      }
      return new Outcome(null, all, new Counters(), new DocumentDigest());
    }
    PartWriter writer =
        new PartWriter(
            configuration,
            options.dataset().sequenceLength(),
            options.dataset().packing(),
            options.dataset().kind());
    Counters counters = new Counters();
    Iterator<Document> documents =
        options.dataset().pairs().active()
            ? new JoinedPairs(records, options.dataset().sequenceLength(), counters)
            : new Documents(records);
    DocumentDigest digest = new DocumentDigest();
    Optional<PartResult> part =
        writer.write(
            folder,
            layout.isValidation(partition) ? PreparePipeline.VALIDATION : PreparePipeline.TRAIN,
            layout.number(partition),
            attempt,
            new Digested(documents, digest));
    return new Outcome(part.orElse(null), null, counters, digest);
  }

  /** Passes documents on, and adds them to a summary. */
  private record Digested(Iterator<Document> documents, DocumentDigest digest)
      implements Iterator<Document> {
    @Override
    public boolean hasNext() {
      return documents.hasNext();
    }

    @Override
    public Document next() {
      Document document = documents.next();
      digest.add(document);
      return document;
    }
  }

  private record Documents(Iterator<Tuple2<DocumentKey, byte[]>> records)
      implements Iterator<Document> {
    @Override
    public boolean hasNext() {
      return records.hasNext();
    }

    @Override
    public Document next() {
      Tuple2<DocumentKey, byte[]> record = records.next();
      DocumentKey key = record._1();
      return Document.fromBytes(record._2()).from(key.piece(), key.line());
    }
  }
}
