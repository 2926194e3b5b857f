package org.sparktune.jobs.distill;

import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.distill.LabelledDocument.Role;
import org.sparktune.jobs.training.DocumentScore;
import org.sparktune.jobs.training.LoadedRewardModel;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;

/**
 * Scores a range of a split's rows on an executor. Each row is a pass of its own, so that a score
 * does not depend on how many executors there are.
 *
 * @param teacher the reward model
 * @param dataset the dataset's folder or URI
 * @param split of it
 * @param hadoop settings of the file systems that differ from their defaults
 */
record TeacherPass(String teacher, String dataset, String split, Map<String, String> hadoop)
    implements FlatMapFunction<TeacherPass.Range, Row> {
  private static final long serialVersionUID = 1L;

  /**
   * Rows of a split.
   *
   * @param to exclusive
   */
  record Range(long from, long to) implements Serializable {}

  @Override
  public Iterator<Row> call(Range range) {
    return new Scored(range);
  }

  /** Reads and scores as Spark asks for rows. */
  private final class Scored implements Iterator<Row> {
    private final long to;
    private final LoadedRewardModel model;
    private final DatasetReader reader;
    private final boolean pairs;
    private final Deque<Row> ready = new ArrayDeque<>();
    private long next;

    Scored(Range range) {
      Configuration configuration = new Configuration();
      hadoop.forEach(configuration::set);
      DatasetFolder folder = DatasetFolder.open(dataset, configuration);
      this.next = range.from();
      this.to = range.to();
      this.pairs = folder.manifest().kind().equals(Kind.PREFERENCE.word());
      this.model =
          LoadedRewardModel.open(
              ModelLocations.adapter(teacher, HadoopSettings.here()),
              Engines.PrecisionChoice.AUTO,
              new BatchSize(1, folder.manifest().sequenceLength()));
      closeAtTheEnd(model::close);
      folder.requireTokenizer(model.tokenizer().fingerprint());
      this.reader = folder.split(split, model.vocabularySize(), RowOrder.STORED);
      closeAtTheEnd(reader::close);
      long skipped = reader.skip(range.from());
      if (skipped != range.from()) {
        throw new IllegalStateException(
            "%d rows of %d were passed over".formatted(skipped, range.from()));
      }
    }

    private void closeAtTheEnd(Runnable close) {
      TaskCompletionListener listener = context -> close.run();
      TaskContext unused = TaskContext.get().addTaskCompletionListener(listener);
    }

    @Override
    public boolean hasNext() {
      if (ready.isEmpty() && next < to) {
        TaskContext.get().killTaskIfInterrupted();
        score(reader.next(), next++);
      }
      return !ready.isEmpty();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return ready.remove();
    }

    private void score(DatasetRow row, long number) {
      List<DocumentScore> scores = model.scores(DatasetRow.batch(List.of(row)));
      float[] given = row.labels().scores();
      for (int i = 0; i < scores.size(); i++) {
        if (!Double.isFinite(scores.get(i).value())) {
          throw new SparktuneException(
              ErrorCode.DIVERGED,
              "The teacher gives a document of row %d of %s the score %s."
                  .formatted(row.row(), row.part(), scores.get(i).value()),
              "Use an earlier checkpoint of the reward model.");
        }
        int start = row.documentStarts()[i];
        int end = i + 1 < scores.size() ? row.documentStarts()[i + 1] : row.tokens().length;
        Role role = !pairs ? Role.SINGLE : i % 2 == 0 ? Role.CHOSEN : Role.REJECTED;
        ready.add(
            new LabelledDocument(
                    (number << LabelledDocument.DOCUMENT_BITS) + i,
                    role,
                    Arrays.copyOfRange(row.tokens(), start, end),
                    (float) scores.get(i).value(),
                    pairs ? (float) scores.get(i ^ 1).value() : null,
                    given.length == 0 ? null : given[i])
                .toRow());
      }
    }
  }
}
