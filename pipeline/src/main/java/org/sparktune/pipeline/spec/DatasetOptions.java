package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Raw files and how to make a dataset of them.
 *
 * @param kind what the records are
 * @param sources at least one
 * @param sequenceLength the longest row, in tokens
 * @param packing whether several documents share a row
 * @param shuffle whether rows are put in a seeded random order
 * @param validationFraction the share of documents held out, chosen by a stable hash
 * @param maxRejectRatio the largest share of rejected records that is not a failure
 * @param trainOn which tokens carry loss
 * @param template {@code auto} for the model's own chat template, {@code alpaca} for the built-in
 *     one, or the path of a Jinja file
 * @param onLong what happens to a document longer than a row
 * @param appendEos whether plain text ends with the end-of-sequence token
 * @param onCorrupt what happens to files that cannot be read to their end
 * @param stages what else is done to records
 */
public record DatasetOptions(
    Kind kind,
    List<Source> sources,
    int sequenceLength,
    boolean packing,
    boolean shuffle,
    double validationFraction,
    double maxRejectRatio,
    TrainOn trainOn,
    String template,
    OnLong onLong,
    boolean appendEos,
    OnCorrupt onCorrupt,
    DatasetStages stages)
    implements Serializable {

  /** The value of {@link #template} that means the model's own. */
  public static final String AUTO_TEMPLATE = "auto";

  /** The value of {@link #template} that means the built-in Alpaca prompt. */
  public static final String ALPACA_TEMPLATE = "alpaca";

  /** Whether {@link #template} is a word and not a path. */
  public static boolean isTemplateWord(String template) {
    return template.equals(AUTO_TEMPLATE) || template.equals(ALPACA_TEMPLATE);
  }

  /** Records as they come: none is changed or filtered out for what it says. */
  public DatasetOptions(
      Kind kind,
      List<Source> sources,
      int sequenceLength,
      boolean packing,
      boolean shuffle,
      double validationFraction,
      double maxRejectRatio,
      TrainOn trainOn,
      String template,
      OnLong onLong,
      boolean appendEos) {
    this(
        kind,
        sources,
        sequenceLength,
        packing,
        shuffle,
        validationFraction,
        maxRejectRatio,
        trainOn,
        template,
        onLong,
        appendEos,
        OnCorrupt.QUARANTINE,
        DatasetStages.NONE);
  }

  /** See {@link DatasetStages#clean}. */
  public CleanOptions clean() {
    return stages.clean();
  }

  /** See {@link DatasetStages#deduplicate}. */
  public DeduplicateOptions deduplicate() {
    return stages.deduplicate();
  }

  /** See {@link DatasetStages#decontaminate}. */
  public DecontaminateOptions decontaminate() {
    return stages.decontaminate();
  }

  /** See {@link DatasetStages#rewards}. */
  public RewardOptions rewards() {
    return stages.rewards();
  }

  /** See {@link DatasetStages#pairs}. */
  public PairOptions pairs() {
    return stages.pairs();
  }

  /** See {@link DatasetStages#mix}. */
  public MixOptions mix() {
    return stages.mix();
  }

  /** See {@link DatasetStages#curriculum}. */
  public CurriculumOptions curriculum() {
    return stages.curriculum();
  }

  /** The same with something else done to its records. */
  public DatasetOptions withStages(DatasetStages other) {
    return new DatasetOptions(
        kind,
        sources,
        sequenceLength,
        packing,
        shuffle,
        validationFraction,
        maxRejectRatio,
        trainOn,
        template,
        onLong,
        appendEos,
        onCorrupt,
        other);
  }

  /** The same with another kind; a prompt is a row by itself. */
  public DatasetOptions withKind(Kind other) {
    return new DatasetOptions(
        other,
        sources,
        sequenceLength,
        packing && other != Kind.PROMPT,
        shuffle,
        validationFraction,
        maxRejectRatio,
        trainOn,
        template,
        onLong,
        appendEos,
        onCorrupt,
        stages);
  }

  /** The same with something else done about damaged files. */
  public DatasetOptions withOnCorrupt(OnCorrupt other) {
    return new DatasetOptions(
        kind,
        sources,
        sequenceLength,
        packing,
        shuffle,
        validationFraction,
        maxRejectRatio,
        trainOn,
        template,
        onLong,
        appendEos,
        other,
        stages);
  }

  /** What happens to a file that is damaged, gone, or forbidden to read. */
  public enum OnCorrupt {
    /** What was read before the damage stays, the rest is reported. */
    QUARANTINE,
    /** The preparation fails. */
    FAIL
  }

  /** What the records are. */
  public enum Kind {
    /** Text, conversations or tokens to be learnt. */
    SFT,
    /** Pairs of completions of which one is preferred. */
    PREFERENCE,
    /** Records with a score each. */
    REWARD,
    /** Prompts, with their answers where those are known; a model is to answer them itself. */
    PROMPT;

    /** The word in specifications and manifests. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Which tokens carry loss. */
  public enum TrainOn {
    /** Those of assistant turns. */
    ASSISTANT,
    /** All. */
    ALL
  }

  /** What happens to a document that is longer than a row. */
  public enum OnLong {
    /** It is rejected and counted. */
    REJECT,
    /** Its end is cut off. */
    TRUNCATE
  }

  /** The schema of a source's records. */
  public enum Schema {
    /** Recognised from the records. */
    AUTO,
    /** Plain text in {@code text}. */
    TEXT,
    /** {@code instruction}, {@code input}, {@code output}. */
    ALPACA,
    /** {@code conversations} of {@code from} and {@code value}. */
    SHAREGPT,
    /** {@code messages} of {@code role} and {@code content}. */
    MESSAGES,
    /** {@code input_ids} and {@code labels}, or {@code prompt_ids} and {@code completion_ids}. */
    TOKENS,
    /** {@code chosen} and {@code rejected}, beside or after their {@code prompt}. */
    PAIRS,
    /**
     * As {@link #PAIRS}, of which the chosen completion is learnt; never recognised, only named.
     */
    CHOSEN,
    /** {@code prompt_ids}, {@code chosen_ids} and {@code rejected_ids}. */
    PAIR_IDS,
    /** {@code prompt}, and perhaps its {@code answer}. */
    PROMPT,
    /** {@code prompt} and a {@code response} or {@code completion}, with a score or label. */
    RESPONSE,
    /** {@code prompt} and {@code responses}, with scores, ranks or comparisons. */
    RESPONSES,
    /** {@code prompt}, {@code response_a}, {@code response_b} and which of them won. */
    COMPARISON
  }

  /**
   * One source.
   *
   * @param path absolute path or URI of a file, a folder or a glob
   * @param schema the schema of its records
   * @param columns standard column name to the name in the file, sorted
   * @param name what statistics call it
   */
  public record Source(String path, Schema schema, Map<String, String> columns, String name)
      implements Serializable {

    /** A source that is called what the last part of its path is called. */
    public Source(String path, Schema schema, Map<String, String> columns) {
      this(path, schema, columns, lastPart(path));
    }

    private static String lastPart(String path) {
      String plain = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
      return plain.substring(plain.lastIndexOf('/') + 1);
    }
  }
}
