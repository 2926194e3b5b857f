package org.sparktune.pipeline.spec;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.sparktune.pipeline.spec.PreferenceOptions.Loss;

/** Reads the {@code dpo} group of hyperparameters. */
final class PreferenceReader {
  private static final Set<Loss> SMOOTHED = Set.of(Loss.SIGMOID, Loss.ROBUST, Loss.EXO);

  private static final List<String> JUDGED =
      List.of("desirable_weight", "undesirable_weight", "desirable_above");

  private PreferenceReader() {}

  static PreferenceOptions read(MappingReader reader) {
    Loss loss = reader.word("loss", Loss.SIGMOID);
    // The papers' own values: SimPO 2, the others 0.1.
    double beta = reader.decimal("beta", loss == Loss.SIMPO ? 2 : 0.1, Range.POSITIVE);
    double smoothing = reader.decimal("label_smoothing", loss == Loss.EXO ? 1e-3 : 0, Range.UNIT);
    if (smoothing >= 0.5) {
      reader.problem(
          "label_smoothing",
          "'label_smoothing' is %s, but a half or more would turn the labels round."
              .formatted(smoothing),
          "Give less than 0.5.");
    }
    if (smoothing > 0 && !SMOOTHED.contains(loss)) {
      reader.problem(
          "label_smoothing",
          "'label_smoothing' means nothing to the loss '%s'.".formatted(word(loss)),
          "Remove it, or use sigmoid, robust or exo.");
    }
    if (loss == Loss.EXO && smoothing == 0) {
      reader.problem(
          "label_smoothing", "The loss 'exo' needs a 'label_smoothing' above 0.", "Use 1.0e-3.");
    }
    if (reader.has("simpo_margin") && loss != Loss.SIMPO) {
      reader.problem(
          "simpo_margin",
          "'simpo_margin' means nothing to the loss '%s'.".formatted(word(loss)),
          "Remove it.");
    }
    if (loss == Loss.KTO) {
      for (String key : List.of("sft_weight", "margins")) {
        if (reader.has(key)) {
          reader.problem(
              key,
              "'%s' means nothing to the loss 'kto', which reads no pairs.".formatted(key),
              "Remove it.");
        }
      }
    }
    PreferenceOptions options =
        new PreferenceOptions(
            loss,
            beta,
            smoothing,
            reader.decimal("simpo_margin", 0.5, Range.NOT_NEGATIVE),
            reader.decimal("sft_weight", 0, Range.NOT_NEGATIVE),
            reader.flag("margins", false),
            reader.flag("precompute_reference", false),
            judged(reader, loss));
    if (options.precomputeReference() && !options.readsReference()) {
      reader.problem(
          "precompute_reference",
          "'precompute_reference' means nothing to the loss '%s', which has no reference."
              .formatted(word(loss)),
          "Remove it.");
    }
    reader.finish();
    return options;
  }

  private static PreferenceOptions.Judged judged(MappingReader reader, Loss loss) {
    for (String key : JUDGED) {
      if (reader.has(key) && loss != Loss.KTO) {
        reader.problem(
            key, "'%s' means nothing to the loss '%s'.".formatted(key, word(loss)), "Remove it.");
      }
    }
    return new PreferenceOptions.Judged(
        reader.decimal(JUDGED.get(0), 1, Range.NOT_NEGATIVE),
        reader.decimal(JUDGED.get(1), 1, Range.NOT_NEGATIVE),
        reader.decimal(JUDGED.get(2), 0, Range.ANY));
  }

  private static String word(Loss loss) {
    return loss.name().toLowerCase(Locale.ROOT);
  }
}
