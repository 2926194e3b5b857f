package org.sparktune.pipeline.prepare;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.RewardOptions;

/** Everything that decides the bytes of a dataset, as text and as one fingerprint. */
final class PrepareFingerprint {
  private PrepareFingerprint() {}

  /** Every option that can change a byte of the output. */
  static Map<String, String> texts(PrepareOptions options) {
    DatasetOptions dataset = options.dataset();
    Map<String, String> texts = new TreeMap<>();
    texts.put("kind", dataset.kind().word());
    texts.put("packing", String.valueOf(dataset.packing()));
    texts.put("shuffle", String.valueOf(dataset.shuffle()));
    texts.put("validation_fraction", String.valueOf(dataset.validationFraction()));
    texts.put("train_on", dataset.trainOn().name().toLowerCase(Locale.ROOT));
    texts.put("on_long", dataset.onLong().name().toLowerCase(Locale.ROOT));
    texts.put("append_eos", String.valueOf(dataset.appendEos()));
    texts.put("min_tokens", String.valueOf(options.minimumTokens()));
    texts.put("max_line_bytes", String.valueOf(options.maximumLineBytes()));
    // Only where they are used: what was prepared without them stays as it is.
    if (!dataset.clean().equals(CleanOptions.NONE)) {
      texts.put("clean", dataset.clean().toString());
    }
    if (dataset.deduplicate().active()) {
      texts.put("deduplicate", dataset.deduplicate().toString());
    }
    if (dataset.decontaminate().active()) {
      texts.put("decontaminate", dataset.decontaminate().toString());
    }
    if (dataset.rewards().active()) {
      texts.put("rewards", dataset.rewards().toString());
    }
    if (dataset.pairs().active()) {
      texts.put("pairs", dataset.pairs().toString());
    }
    if (dataset.mix().active()) {
      texts.put("mix", dataset.mix().toString());
    }
    if (dataset.curriculum().active()) {
      texts.put("curriculum", dataset.curriculum().toString());
    }
    return texts;
  }

  /** Equal means that the same bytes would be written. */
  static String of(
      PrepareOptions options,
      long pieceBytes,
      List<SourceFile> files,
      LoadedModel model,
      Curation curation,
      Configuration configuration) {
    Fingerprint fingerprint =
        new Fingerprint()
            .add(DatasetManifest.SCHEMA_VERSION)
            .add(model.fingerprint())
            .add(options.dataset().sequenceLength())
            .add(options.seed())
            .add(pieceBytes);
    texts(options).forEach((name, value) -> fingerprint.add(name).add(value));
    for (SourceFile file : files) {
      fingerprint.add(file.path()).add(file.bytes()).add(file.modified());
      fingerprint.add(file.schema().name());
      new TreeMap<>(file.columns()).forEach((name, value) -> fingerprint.add(name).add(value));
    }
    RewardOptions rewards = options.dataset().rewards();
    if (rewards.active()
        || options.dataset().pairs().active()
        || options.dataset().mix().active()) {
      files.forEach(file -> fingerprint.add(file.source()));
    }
    if (rewards.statistics() != null) {
      fingerprint.add(RewardStatistics.read(rewards.statistics(), configuration).toJson());
    }
    curation.addTo(fingerprint, configuration);
    return fingerprint.finish();
  }
}
