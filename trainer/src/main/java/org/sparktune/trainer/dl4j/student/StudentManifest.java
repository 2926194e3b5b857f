package org.sparktune.trainer.dl4j.student;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code student.json}: what a student's network does not say itself.
 *
 * @param formatVersion {@link #VERSION} when this version wrote it
 * @param hiddenSize of its layers
 * @param maxTokens of a document that it reads: the last ones
 * @param vocabularySize token ids are below this
 * @param classes how its distribution becomes a score
 * @param weight λ of its training
 * @param temperature of its training
 * @param tokenizerFingerprint of the tokenizer that it was trained with
 * @param appendEos whether plain text ended with the end-of-sequence token
 */
public record StudentManifest(
    @JsonProperty("format_version") int formatVersion,
    @JsonProperty("vocabulary_size") int vocabularySize,
    @JsonProperty("hidden_size") int hiddenSize,
    @JsonProperty("max_tokens") int maxTokens,
    @JsonProperty("classes") ScoreClasses classes,
    @JsonProperty("weight") double weight,
    @JsonProperty("temperature") double temperature,
    @JsonProperty("tokenizer_fingerprint") String tokenizerFingerprint,
    @JsonProperty("append_eos") boolean appendEos) {
  /** The version that this code writes. */
  public static final int VERSION = 1;

  /** The shapes of the network's parameters, by layer and name, in the network's order. */
  public Map<String, long[]> parameterShapes() {
    long hidden = hiddenSize;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(StudentGraph.TOKEN + "_W", new long[] {vocabularySize, hidden});
    shapes.put(StudentGraph.POSITION + "_W", new long[] {maxTokens, hidden});
    for (String name : List.of(SelfAttention.QUERY, SelfAttention.KEY, SelfAttention.VALUE)) {
      shapes.put(StudentGraph.ATTENTION + "_" + name, new long[] {1, hidden, hidden});
    }
    shapes.put(StudentGraph.ATTENTION + "_" + SelfAttention.OUTPUT, new long[] {hidden, hidden});
    shapes.put(StudentGraph.NORM + "_" + LayerNorm.GAIN, new long[] {hidden});
    shapes.put(StudentGraph.NORM + "_" + LayerNorm.BIAS, new long[] {hidden});
    shapes.put(StudentGraph.OUTPUT + "_W", new long[] {hidden, classes.count()});
    shapes.put(StudentGraph.OUTPUT + "_b", new long[] {classes.count()});
    return shapes;
  }
}
