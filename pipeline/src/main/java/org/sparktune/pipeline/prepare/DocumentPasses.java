package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.sparktune.pipeline.reward.RewardScale;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.RewardOptions;
import scala.Tuple2;

/**
 * The passes over the input, in their order: fingerprints for duplicates → sizes of sources →
 * statistics of scores → pairs → documents → their order. Each reads the input again rather than
 * store it (the last reads the documents), and is there only where it is asked for.
 */
final class DocumentPasses implements AutoCloseable {
  private final DuplicateSearch duplicates;
  private final RewardStatistics statistics;
  private final Broadcast<RewardScale> scale;
  private final PairPass pairs;
  private final JavaPairRDD<DocumentKey, byte[]> documents;
  private final Curriculum curriculum;

  DocumentPasses(
      SparkSession spark,
      PrepareOptions options,
      List<Piece> pieces,
      PartLayout layout,
      String modelFingerprint,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    DatasetOptions dataset = options.dataset();
    JavaRDD<Piece> input = context.parallelize(pieces, pieces.size());
    this.duplicates =
        dataset.deduplicate().active()
            ? new DuplicateSearch(spark, options, input, curation, configuration)
            : null;
    JavaRDD<PieceInput> inputs = inputs(input, duplicates, pieces);
    this.statistics = statistics(options, inputs, curation, configuration);
    this.scale = context.broadcast(new RewardScale(dataset.rewards(), statistics));
    this.pairs =
        dataset.pairs().active()
            ? new PairPass(options, layout, pieces, inputs, scale, curation, configuration)
            : null;
    JavaRDD<PieceInput> complete =
        pairs == null
            ? inputs
            : inputs.zipPartitions(
                pairs.byPiece(pieces.size()),
                (piece, sides) -> List.of(piece.next().withSides(sides)).iterator());
    Mixture mixture =
        dataset.mix().active()
            ? Mixture.of(dataset.mix(), counts(options, inputs, configuration), options.seed())
            : Mixture.ALL;
    Tasks tasks =
        new Tasks(options, layout, modelFingerprint, mixture, scale, curation, configuration);
    JavaPairRDD<DocumentKey, byte[]> made = complete.flatMapToPair(tasks::of);
    this.curriculum =
        dataset.curriculum().active() ? new Curriculum(made, dataset.curriculum(), layout) : null;
    this.documents = curriculum == null ? made : curriculum.documents();
  }

  private static JavaRDD<PieceInput> inputs(
      JavaRDD<Piece> input, DuplicateSearch duplicates, List<Piece> pieces) {
    return duplicates == null
        ? input.map(piece -> new PieceInput(piece, null, null))
        : input.zipPartitions(
            duplicates.byPiece(pieces),
            (piece, verdicts) -> List.of(new PieceInput(piece.next(), verdicts, null)).iterator());
  }

  private static RewardStatistics statistics(
      PrepareOptions options,
      JavaRDD<PieceInput> inputs,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration) {
    RewardOptions rewards = options.dataset().rewards();
    if (!rewards.active()) {
      return null;
    }
    return rewards.statistics() == null
        ? ScorePass.run(options, inputs, curation, configuration)
        : RewardStatistics.read(rewards.statistics(), configuration.value().value());
  }

  /** By source, the records that can be read and are no duplicates. */
  private static Map<String, Long> counts(
      PrepareOptions options,
      JavaRDD<PieceInput> inputs,
      Broadcast<SerializableConfiguration> configuration) {
    return inputs
        .mapToPair(
            input ->
                new Tuple2<>(
                    input.piece().file().source(),
                    RecordCount.of(input, options, configuration.value().value())))
        .reduceByKey(Long::sum)
        .collectAsMap();
  }

  /** The documents of all pieces, and after those of each what was counted. */
  JavaPairRDD<DocumentKey, byte[]> documents() {
    return documents;
  }

  /** What scores are normalized by; null where they stay as they are. */
  RewardStatistics statistics() {
    return statistics;
  }

  /** What was counted while pairs were made; nothing where none are. */
  Map<String, Long> pairCounts() {
    return pairs == null ? Map.of() : pairs.counts();
  }

  /** Writes what later datasets can be held against. */
  void writeFingerprints(String folder, int parts) {
    duplicates.writeFingerprints(folder, parts);
  }

  @Override
  public void close() {
    if (curriculum != null) {
      curriculum.close();
    }
    scale.destroy();
    if (duplicates != null) {
      duplicates.close();
    }
  }

  /** Makes the task of a piece where the piece is read. */
  private record Tasks(
      PrepareOptions options,
      PartLayout layout,
      String modelFingerprint,
      Mixture mixture,
      Broadcast<RewardScale> scale,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration)
      implements Serializable {

    Iterator<Tuple2<DocumentKey, byte[]>> of(PieceInput input) {
      return new PieceTask(input, options, layout, maker(input), configuration.value().value());
    }

    private DocumentMaker maker(PieceInput input) {
      DatasetOptions dataset = options.dataset();
      Piece piece = input.piece();
      RecordStages stages = new RecordStages(piece.file(), curation.value());
      SampleTokenizer tokenize =
          LoadedModel.cached(options, modelFingerprint).sampleTokenizer(dataset);
      if (dataset.pairs().active()) {
        return new PairDocuments(stages, tokenize, filter(OnLong.REJECT), input.sides());
      }
      LengthFilter filter = filter(dataset.onLong());
      return dataset.kind() == Kind.REWARD
          ? new RewardDocuments(piece, layout, stages, mixture, tokenize, filter, scale.value())
          : new SampleDocuments(piece, layout, stages, mixture, tokenize, filter);
    }

    private LengthFilter filter(OnLong onLong) {
      return new LengthFilter(
          options.minimumTokens(),
          options.dataset().sequenceLength(),
          onLong,
          options.dataset().kind() == Kind.PROMPT);
    }
  }
}
