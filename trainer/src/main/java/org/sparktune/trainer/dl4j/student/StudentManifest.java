package org.sparktune.trainer.dl4j.student;

import com.fasterxml.jackson.annotation.JsonProperty;

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
}
