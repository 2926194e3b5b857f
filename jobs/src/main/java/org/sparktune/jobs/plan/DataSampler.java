package org.sparktune.jobs.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.prepare.PrepareOptions;
import org.sparktune.pipeline.prepare.RecordStages;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatTemplate;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;

/** Looks at the first records of raw files and projects what a preparation would make of them. */
final class DataSampler {
  /** Enough for a projection within a few percent on even data, and done in a second. */
  private static final int RECORDS_PER_FILE = 200;

  private static final int SAMPLED_FILES = 8;
  private static final int SHOWN_TOKENS = 400;

  private final DatasetOptions options;
  private final Tokenizer tokenizer;
  private final SampleTokenizer sampleTokenizer;
  private final LengthFilter filter;
  private final Configuration hadoop = new Configuration();

  private long sampled;
  private long rejects;
  private long documents;
  private long tokens;
  private long textBytes;
  private String shown = "";

  DataSampler(DatasetOptions options, Path model, Tokenizer tokenizer) {
    this.options = options;
    this.tokenizer = tokenizer;
    this.sampleTokenizer =
        new SampleTokenizer(
            tokenizer,
            template(options.template(), model, tokenizer)
                .map(template -> new ChatTokenizer(tokenizer, template))
                .orElse(null),
            options.trainOn() == DatasetOptions.TrainOn.ASSISTANT,
            options.appendEos());
    this.filter =
        new LengthFilter(
            PrepareOptions.DEFAULT_MINIMUM_TOKENS,
            options.sequenceLength(),
            options.onLong(),
            options.kind() == DatasetOptions.Kind.PROMPT);
  }

  private static Optional<ChatTemplate> template(String choice, Path model, Tokenizer tokenizer) {
    return switch (choice) {
      case DatasetOptions.AUTO_TEMPLATE -> ChatTemplates.ofModel(model, tokenizer);
      case DatasetOptions.ALPACA_TEMPLATE -> ChatTemplates.builtIn(choice, model, tokenizer);
      default -> Optional.of(ChatTemplates.ofFile(Path.of(choice), model, tokenizer));
    };
  }

  /** Finds the files, looks at some records, and projects by bytes. */
  DataEstimate sample() {
    List<SourceFile> files = new SourceFinder(hadoop, options.onCorrupt()).find(options.sources());
    long bytes = 0;
    long allText = 0;
    for (SourceFile file : files) {
      bytes += file.bytes();
      allText += file.estimatedTextBytes();
    }
    Function<SourceFile, RecordStages> stages = RecordStages.of(options, hadoop);
    for (SourceFile file : files.subList(0, Math.min(SAMPLED_FILES, files.size()))) {
      look(file, stages.apply(file));
    }
    double scale = textBytes == 0 ? 0 : (double) allText / textBytes;
    double trained = 1 - options.validationFraction();
    long projectedTokens = Math.round(tokens * scale * trained);
    long projectedDocuments = Math.round(documents * scale * trained);
    long fullRows = (projectedTokens + options.sequenceLength() - 1) / options.sequenceLength();
    return new DataEstimate(
        false,
        files.size(),
        bytes,
        projectedDocuments,
        options.packing()
            ? Math.max(fullRows, Math.min(1, projectedDocuments))
            : projectedDocuments,
        projectedTokens,
        options.sequenceLength(),
        shown,
        rejects,
        sampled);
  }

  private void look(SourceFile file, RecordStages stages) {
    if (file.problem() != null) {
      return;
    }
    Piece whole = new Piece(0, 0, file, 0, file.bytes());
    long before = sampled;
    try (PieceReader records =
        PieceReader.open(
            whole, PrepareOptions.DEFAULT_MAXIMUM_LINE_BYTES, options.onCorrupt(), hadoop)) {
      RawRecord record = records.next();
      long recordBytes = 0;
      while (record != null && sampled - before < RECORDS_PER_FILE) {
        sampled++;
        recordBytes += record.value() == null ? 0 : String.valueOf(record.value()).length();
        add(stages, record);
        record = records.next();
      }
      // A file that was read to its end counts with its true size.
      textBytes += record == null ? file.estimatedTextBytes() : recordBytes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void add(RecordStages stages, RawRecord record) {
    try {
      for (Sample sample : stages.samples(record, new Counters())) {
        Document document = filter.apply(sampleTokenizer.tokenize(sample));
        documents++;
        tokens += document.length();
        if (shown.isEmpty()) {
          shown = show(document);
        }
      }
    } catch (RejectException e) {
      rejects++;
    }
  }

  private String show(Document document) {
    StringBuilder text = new StringBuilder();
    int length = Math.min(SHOWN_TOKENS, document.length());
    int start = 0;
    while (start < length) {
      int end = start;
      while (end < length && document.lossMask()[end] == document.lossMask()[start]) {
        end++;
      }
      int[] ids = Arrays.copyOfRange(document.ids(), start, end);
      String decoded = tokenizer.decode(ids, false);
      text.append(document.lossMask()[start] == 1 ? "⟦" + decoded + "⟧" : decoded);
      start = end;
    }
    return length < document.length() ? text + "…" : text.toString();
  }
}
