package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.RecordReader;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatTokenizer;

/**
 * Reads a small file into tokenized samples, without Spark: the same formats, schemas and stages as
 * a preparation, but every record counts. Plain text gets the tokenizer's own special tokens and no
 * end-of-sequence token, so that its loss is the one that transformers gives with {@code labels =
 * input_ids}.
 */
public final class SampleReader {

  /**
   * How samples are read.
   *
   * @param assistantOnly whether only the assistant's turns of conversations carry loss
   * @param appendEos whether plain text ends with the end-of-sequence token
   * @param maximumTokens longer samples are an error
   */
  public record Options(boolean assistantOnly, boolean appendEos, int maximumTokens) {
    /** Assistant turns only, no end-of-sequence token, any length. */
    public static final Options DEFAULT = new Options(true, false, Integer.MAX_VALUE);
  }

  private SampleReader() {}

  /**
   * Reads all samples of a file, in order.
   *
   * @param file JSON Lines, a JSON array or Parquet
   * @param tokenizer the model's tokenizer
   * @param chat with the chat template; null if the model has none
   * @throws SparktuneException {@link ErrorCode#BAD_DATA} for the first record that cannot be used,
   *     with its line; {@link ErrorCode#BAD_FILE} when the file cannot be read
   */
  public static List<Document> read(
      Path file, Tokenizer tokenizer, ChatTokenizer chat, Options options) {
    return read(file, tokenizer, chat, options, false);
  }

  /** As {@link #read}, but a record may also be a pair of completions. */
  public static List<Document> readWithPairs(
      Path file, Tokenizer tokenizer, ChatTokenizer chat, Options options) {
    return read(file, tokenizer, chat, options, true);
  }

  private static List<Document> read(
      Path file, Tokenizer tokenizer, ChatTokenizer chat, Options options, boolean pairs) {
    Configuration configuration = new Configuration(false);
    SampleTokenizer tokenize =
        new SampleTokenizer(tokenizer, chat, options.assistantOnly(), options.appendEos());
    List<Document> samples = new ArrayList<>();
    Source source = new Source(file.toAbsolutePath().toString(), Schema.AUTO, Map.of());
    for (SourceFile found : new SourceFinder(configuration).find(List.of(source))) {
      Piece whole = new Piece(0, 0, found, 0, found.bytes());
      RecordReader single = new RecordReader(found.schema(), found.columns(), Kind.SFT);
      RecordReader pair = new RecordReader(found.schema(), found.columns(), Kind.PREFERENCE);
      Validation validate = pairs ? value -> either(value, single, pair) : single::read;
      try (PieceReader records =
          PieceReader.open(whole, PrepareOptions.DEFAULT_MAXIMUM_LINE_BYTES, configuration)) {
        for (RawRecord record = records.next(); record != null; record = records.next()) {
          samples.add(sample(record, validate, tokenize, found, options));
        }
      } catch (IOException e) {
        throw PieceReader.damaged(found.path(), e);
      }
    }
    if (samples.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA, file + " holds no records.", "Give a file with at least one record.");
    }
    return samples;
  }

  /** Checks a record. */
  private interface Validation {
    Sample read(Object record) throws RejectException;
  }

  private static Sample either(Object record, RecordReader single, RecordReader pair)
      throws RejectException {
    try {
      return single.read(record);
    } catch (RejectException e) {
      if (e.reason() != RejectReason.WRONG_KIND) {
        throw e;
      }
      return pair.read(record);
    }
  }

  private static Document sample(
      RawRecord record,
      Validation validate,
      SampleTokenizer tokenize,
      SourceFile file,
      Options options) {
    try {
      if (record.problem() != null) {
        throw record.problem();
      }
      Document document = tokenize.tokenize(validate.read(record.value()));
      if (document.length() > options.maximumTokens()) {
        throw new RejectException(
            RejectReason.TOO_LONG,
            document.length() + " tokens, more than " + options.maximumTokens());
      }
      if (document.targets() == 0) {
        throw new RejectException(RejectReason.NO_LOSS_TOKENS, "no token of it carries loss");
      }
      return document;
    } catch (RejectException e) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "%s:%d cannot be used (%s): %s."
              .formatted(file.path(), record.line() + 1, e.reason().label(), e.getMessage()),
          "Correct or remove the record.",
          e);
    }
  }
}
