package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.clean.Cleaning;
import org.sparktune.pipeline.deduplicate.Decontamination;
import org.sparktune.pipeline.deduplicate.EvaluationNgrams;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.spec.DatasetOptions;

/**
 * What happens to a record between reading and tokenizing, with all that its stages need from
 * files. Made once and sent to every task.
 *
 * @param dataset says which stages there are
 * @param blocklist the blocklist's lines; empty if there is none
 * @param evaluation what must not be learnt; null if nothing is named
 */
record Curation(DatasetOptions dataset, List<String> blocklist, EvaluationNgrams evaluation)
    implements Serializable {

  /** Reads what the stages need, and makes sure that they can be made. */
  static Curation of(DatasetOptions dataset, int maximumLineBytes, Configuration configuration) {
    Curation curation =
        new Curation(
            dataset,
            blocklist(dataset, configuration),
            dataset.decontaminate().active()
                ? EvaluationNgrams.read(dataset.decontaminate(), maximumLineBytes, configuration)
                : null);
    curation.stages();
    return curation;
  }

  private static List<String> blocklist(DatasetOptions dataset, Configuration configuration) {
    String file = dataset.clean().blocklist();
    if (file == null) {
      return List.of();
    }
    Path path = new Path(file);
    try (InputStream in = path.getFileSystem(configuration).open(path)) {
      return List.copyOf(new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
    } catch (IOException e) {
      throw PieceReader.damaged(file, e);
    }
  }

  /** The stages of one task, in their order: clean → decontaminate. */
  List<SampleStage> stages() {
    List<SampleStage> stages = new ArrayList<>(Cleaning.stages(dataset.clean(), blocklist));
    if (evaluation != null) {
      stages.add(new Decontamination(evaluation));
    }
    return stages;
  }

  /** Adds what files say; options are a part of the fingerprint anyway. */
  void addTo(Fingerprint fingerprint, Configuration configuration) {
    blocklist.forEach(fingerprint::add);
    if (evaluation != null) {
      for (SourceFile file : EvaluationNgrams.files(dataset.decontaminate(), configuration)) {
        fingerprint.add(file.path()).add(file.bytes()).add(file.modified());
      }
    }
  }
}
