package org.sparktune.jobs.training;

import java.util.Locale;
import java.util.Optional;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.trainer.modelfile.WeightsFingerprint;

/** Whose log-probabilities a dataset keeps, and whether that is the model in training. */
public final class StoredReference {
  /** The option of a manifest that holds the fingerprint of the reference's weights. */
  public static final String OPTION = "reference";

  private StoredReference() {}

  /**
   * The fingerprint of a model as a reference.
   *
   * @param quantization how its layers are held: that changes what it says
   */
  public static String fingerprint(OpenModel model, Quantization quantization) {
    String weights = WeightsFingerprint.of(model.file());
    return quantization == Quantization.NONE
        ? weights
        : weights + " held as " + quantization.name().toLowerCase(Locale.ROOT);
  }

  /** The fingerprint of the reference that a dataset was scored by. */
  public static Optional<String> of(DatasetManifest manifest) {
    return Optional.ofNullable(manifest.options().get(OPTION));
  }

  /**
   * Refuses a dataset that another model has scored. Of a column that somebody else made, nothing
   * is known.
   *
   * @throws SparktuneException {@code MISMATCH} with both fingerprints
   */
  static void requireOwn(
      DatasetManifest manifest, String location, OpenModel model, Quantization quantization) {
    Optional<String> stored = of(manifest);
    if (stored.isEmpty()) {
      return;
    }
    String own = fingerprint(model, quantization);
    if (!stored.get().equals(own)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The reference log-probabilities of the dataset %s are those of the weights %s, but %s has the weights %s."
              .formatted(location, stored.get(), model.file().path(), own),
          "Use the model that scored it as base_model, or set dpo: {precompute_reference: true}.");
    }
  }
}
