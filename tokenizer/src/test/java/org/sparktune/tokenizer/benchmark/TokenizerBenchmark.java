package org.sparktune.tokenizer.benchmark;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

/**
 * Megabytes of UTF-8 a second that one thread encodes, ours beside Hugging Face's library, line by
 * line as a data pipeline does it.
 *
 * <p>Run: {@code mvn -B -pl tokenizer -Pbenchmark test-compile exec:exec}; options of JMH go into
 * {@code -Djmh.options="..."}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class TokenizerBenchmark {
  /** Below {@code assets/tokenizers}. */
  @Param({"qwen2_5", "llama3", "llama2", "phi3"})
  public String tokenizer;

  /** Below {@code assets/corpora}. */
  @Param({"debian-reference-en", "debian-reference-zh-cn"})
  public String corpus;

  private String[] lines;
  private long corpusBytes;
  private Tokenizer ours;
  private HuggingFaceTokenizer theirs;

  /** The measured figure: bytes of text encoded, which JMH divides by the time. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Volume {
    /** Megabytes of 10^6 bytes. */
    public double megabytes;

    /** Begins an iteration at nothing. */
    @Setup(org.openjdk.jmh.annotations.Level.Iteration)
    public void reset() {
      megabytes = 0;
    }
  }

  /** Loads the tokenizer twice and the corpus. */
  @Setup
  public void load() throws IOException {
    Path assets = Path.of(System.getProperty("sparktune.shared", "../shared"), "assets");
    Path json = assets.resolve("tokenizers").resolve(tokenizer).resolve("tokenizer.json");
    String text = Files.readString(assets.resolve("corpora").resolve(corpus + ".txt"));
    lines = text.split("(?<=\n)", -1);
    corpusBytes = text.getBytes(StandardCharsets.UTF_8).length;
    ours = Tokenizers.load(json);
    theirs =
        HuggingFaceTokenizer.newInstance(
            json, Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
  }

  /** Frees the native tokenizer. */
  @TearDown
  public void close() {
    theirs.close();
  }

  /** sparktune. */
  @Benchmark
  public long sparktune(Volume volume) {
    long count = 0;
    for (String line : lines) {
      count += ours.encode(line, false).length;
    }
    volume.megabytes += corpusBytes / 1e6;
    return count;
  }

  /** Hugging Face's tokenizers through DJL. */
  @Benchmark
  public long huggingFace(Volume volume) {
    long count = 0;
    for (String line : lines) {
      count += theirs.encode(line, false, false).getIds().length;
    }
    volume.megabytes += corpusBytes / 1e6;
    return count;
  }

  /** Runs with JMH's command line options. */
  public static void main(String[] arguments) throws RunnerException, CommandLineOptionException {
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(arguments))
                .include(TokenizerBenchmark.class.getName())
                .build())
        .run();
  }
}
