package org.sparktune.jobs.reference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.objective.dpo.ReferenceLogProbs;

/**
 * Scores some of a dataset's files on an executor. Each row is a pass of its own, so that the
 * numbers do not depend on how many executors there are.
 *
 * @param model the base model
 * @param dataset the dataset's folder or URI
 * @param output the folder that the new files go to
 * @param precision of the pass: that of the training to come
 * @param quantization how the model's layers are held
 * @param hadoop settings of the file systems that differ from their defaults
 */
record ReferencePass(
    String model,
    String dataset,
    String output,
    Engines.PrecisionChoice precision,
    Quantization quantization,
    Map<String, String> hadoop)
    implements FlatMapFunction<Iterator<ScoredPart>, ScoredPart> {
  private static final long serialVersionUID = 1L;

  /** Columns that mean lines of a file which is not in the new folder. */
  private static final Set<String> ORIGINS = Set.of("document_pieces", "document_lines");

  @Override
  public Iterator<ScoredPart> call(Iterator<ScoredPart> parts) {
    List<ScoredPart> written = new ArrayList<>();
    if (!parts.hasNext()) {
      return written.iterator();
    }
    Configuration configuration = new Configuration();
    hadoop.forEach(configuration::set);
    DatasetFolder folder = DatasetFolder.open(dataset, configuration);
    try (LoadedDecoder decoder =
        LoadedDecoder.open(
            ModelLocations.model(model, configuration),
            Optional.empty(),
            precision,
            quantization,
            new BatchSize(1, folder.manifest().sequenceLength()))) {
      while (parts.hasNext()) {
        written.add(score(parts.next(), folder, decoder, configuration));
      }
    }
    return written.iterator();
  }

  private ScoredPart score(
      ScoredPart part, DatasetFolder folder, LoadedDecoder model, Configuration configuration) {
    Path target = new Path(output, part.newPath());
    Path temporary =
        new Path(
            output,
            "%s/.part-%05d.%d"
                .formatted(part.split(), part.place(), TaskContext.get().taskAttemptId()));
    int vocabulary = model.decoder().config().vocabularySize();
    try (DatasetReader rows = folder.split(part.split(), vocabulary, RowOrder.STORED)) {
      rows.skip(part.rowsBefore());
      try (ReferenceColumn column =
          new ReferenceColumn(
              new Path(folder.location(), part.path()),
              temporary,
              part.isElsewhere() ? ORIGINS : Set.of(),
              configuration)) {
        for (long row = 0; row < part.rows(); row++) {
          TaskContext.get().killTaskIfInterrupted();
          column.copyNext(references(model, rows.next()));
        }
      }
      FileSystem fileSystem = target.getFileSystem(configuration);
      fileSystem.delete(target, false);
      if (!fileSystem.rename(temporary, target)) {
        throw new IOException("renaming " + temporary + " failed");
      }
      return part.written(fileSystem.getFileStatus(target).getLen());
    } catch (IOException e) {
      throw WriteFailure.of("The dataset part " + target, e);
    }
  }

  private static float[] references(LoadedDecoder model, DatasetRow row) {
    float[] references = ReferenceLogProbs.of(model.decoder(), DatasetRow.batch(List.of(row)));
    for (float reference : references) {
      if (!Float.isFinite(reference)) {
        throw new SparktuneException(
            ErrorCode.DIVERGED,
            "The reference gives a document of row %d of %s the log-probability %s."
                .formatted(row.row(), row.part(), reference),
            "Look for damage in the base model: sparktune doctor.");
      }
    }
    return references;
  }
}
