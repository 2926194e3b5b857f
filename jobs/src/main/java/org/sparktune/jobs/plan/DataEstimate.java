package org.sparktune.jobs.plan;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How much data there is.
 *
 * @param exact whether a finished preparation says so; otherwise it is projected from a sample
 * @param files input files; 0 for a prepared dataset
 * @param bytes bytes of the input files
 * @param documents training documents
 * @param rows training rows
 * @param tokens training tokens
 * @param sequenceLength the longest row
 * @param sample a sample's text, tokens that carry loss between ⟦ and ⟧; empty for a prepared
 *     dataset
 * @param sampledRejects rejected records of those looked at
 * @param sampled records looked at
 */
public record DataEstimate(
    @JsonProperty("exact") boolean exact,
    @JsonProperty("files") int files,
    @JsonProperty("bytes") long bytes,
    @JsonProperty("documents") long documents,
    @JsonProperty("rows") long rows,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("sequence_length") int sequenceLength,
    @JsonProperty("sample") String sample,
    @JsonProperty("sampled_rejects") long sampledRejects,
    @JsonProperty("sampled") long sampled) {}
