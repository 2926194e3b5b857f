package org.sparktune.pipeline.sample;

/** A stage that looks at one record at a time: it changes the record, keeps it, or refuses it. */
public interface SampleStage {

  /**
   * The record after this stage.
   *
   * @param counters where the stage counts what it did
   * @throws RejectException when the record is not kept
   */
  Sample apply(Sample sample, Counters counters) throws RejectException;
}
