package org.sparktune.pipeline.prepare;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.tokenizer.chat.ChatTemplate;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;

/**
 * A model's tokenizer and chat template, loaded once in a JVM.
 *
 * @param tokenizer the tokenizer
 * @param template the template; null if the model has none
 */
record LoadedModel(Tokenizer tokenizer, ChatTemplate template) {
  private static final ConcurrentHashMap<String, LoadedModel> LOADED = new ConcurrentHashMap<>();

  /** Loads what the options name, now. */
  static LoadedModel load(PrepareOptions options) {
    Path model = LocalCopies.ofProcess().withoutWeights(options.model(), HadoopSettings.here());
    Tokenizer tokenizer = Tokenizers.load(model);
    Optional<ChatTemplate> template = template(options.dataset().template(), model, tokenizer);
    return new LoadedModel(tokenizer, template.map(found -> found.at(options.time())).orElse(null));
  }

  /**
   * Loads what the options name, unless this JVM has it.
   *
   * @param fingerprint what {@link #fingerprint} was on the driver
   * @throws SparktuneException {@link ErrorCode#MISMATCH} when this host has other files
   */
  static LoadedModel cached(PrepareOptions options, String fingerprint) {
    String key = options.model() + "\n" + options.dataset().template() + "\n" + fingerprint;
    LoadedModel loaded = LOADED.computeIfAbsent(key, unused -> load(options));
    if (!loaded.fingerprint().equals(fingerprint)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The tokenizer at " + options.model() + " on an executor is not the one on the driver.",
          "Put the same model at the same path on every host.");
    }
    return loaded;
  }

  private static Optional<ChatTemplate> template(String choice, Path model, Tokenizer tokenizer) {
    if (choice.equals(DatasetOptions.AUTO_TEMPLATE)) {
      return ChatTemplates.ofModel(model, tokenizer);
    }
    Path file = LocalCopies.ofProcess().get(choice, HadoopSettings.here());
    if (Files.isRegularFile(file)) {
      return Optional.of(ChatTemplates.ofFile(file, model, tokenizer));
    }
    // The loader of specs may have made a path of a name.
    String name = Path.of(choice).getFileName().toString();
    Optional<ChatTemplate> builtIn = ChatTemplates.builtIn(name, model, tokenizer);
    if (builtIn.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "There is no chat template " + choice + ".",
          "Give auto, the path of a Jinja file, or " + ChatTemplates.ALPACA + ".");
    }
    return builtIn;
  }

  String templateFingerprint() {
    return template == null ? "" : template.fingerprint();
  }

  /** Tokenizer and template together. */
  String fingerprint() {
    return tokenizer.fingerprint() + " " + templateFingerprint();
  }

  SampleTokenizer sampleTokenizer(DatasetOptions options) {
    return new SampleTokenizer(
        tokenizer,
        template == null ? null : new ChatTokenizer(tokenizer, template),
        options.trainOn() == TrainOn.ASSISTANT,
        options.appendEos());
  }
}
