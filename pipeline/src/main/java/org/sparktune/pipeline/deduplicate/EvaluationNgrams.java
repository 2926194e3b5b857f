package org.sparktune.pipeline.deduplicate;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DecontaminateOptions;
import org.sparktune.pipeline.text.LongCounts;
import org.sparktune.pipeline.text.Words;

/**
 * The runs of words of evaluation sets, as hashes. Evaluation sets are small: they are read where
 * this is made, and 12 to 24 bytes a run travel to every task.
 */
public final class EvaluationNgrams implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Fewer words, such as an answer "yes", are no sign of anything. */
  private static final int FEWEST_WORDS = 5;

  private final int ngram;
  private final LongCounts runs = new LongCounts(1 << 10);

  private EvaluationNgrams(int ngram) {
    this.ngram = ngram;
  }

  /**
   * Reads evaluation sets: every text in every record, whatever its column.
   *
   * @param maximumLineBytes longer lines are passed over
   */
  public static EvaluationNgrams read(
      DecontaminateOptions options, int maximumLineBytes, Configuration configuration) {
    EvaluationNgrams evaluation = new EvaluationNgrams(options.ngram());
    for (SourceFile file : files(options, configuration)) {
      Piece whole = new Piece(0, 0, file, 0, file.bytes());
      try (PieceReader records = PieceReader.open(whole, maximumLineBytes, configuration)) {
        for (RawRecord record = records.next(); record != null; record = records.next()) {
          evaluation.addValue(record.value());
        }
      } catch (IOException e) {
        throw PieceReader.damaged(file.path(), e);
      }
    }
    return evaluation;
  }

  /** The files of the evaluation sets. */
  public static List<SourceFile> files(DecontaminateOptions options, Configuration configuration) {
    List<Source> sources = new ArrayList<>();
    for (String path : options.against()) {
      // Named so that nobody looks for a schema: any columns will do.
      sources.add(new Source(path, Schema.TEXT, Map.of()));
    }
    return new SourceFinder(configuration).find(sources);
  }

  private void addValue(Object value) {
    if (value instanceof String text) {
      add(text);
    } else if (value instanceof List<?> list) {
      list.forEach(this::addValue);
    } else if (value instanceof Map<?, ?> map) {
      map.values().forEach(this::addValue);
    }
  }

  private void add(String text) {
    Words words = Words.of(text);
    if (words.count() >= Math.min(FEWEST_WORDS, ngram)) {
      for (long run : words.runs(ngram)) {
        runs.add(run);
      }
    }
  }

  /** Words of a run. */
  int ngram() {
    return ngram;
  }

  /** How many different runs there are. */
  public int size() {
    return runs.size();
  }

  boolean contains(long run) {
    return runs.contains(run);
  }
}
