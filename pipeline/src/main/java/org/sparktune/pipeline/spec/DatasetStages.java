package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * What is done to records beside reading and tokenizing them, in this order.
 *
 * @param clean what is done to the text of records, and which are filtered out
 * @param deduplicate which records are duplicates of others
 * @param decontaminate which records an evaluation set holds
 * @param rewards what becomes of the scores of records
 * @param pairs how preference pairs are made of responses
 * @param mix how much of every source is taken
 * @param curriculum in which order documents are learnt
 */
public record DatasetStages(
    CleanOptions clean,
    DeduplicateOptions deduplicate,
    DecontaminateOptions decontaminate,
    RewardOptions rewards,
    PairOptions pairs,
    MixOptions mix,
    CurriculumOptions curriculum)
    implements Serializable {

  /** Records as they come: none is changed or filtered out for what it says. */
  public static final DatasetStages NONE =
      new DatasetStages(
          CleanOptions.NONE,
          DeduplicateOptions.NONE,
          DecontaminateOptions.NONE,
          RewardOptions.NONE,
          PairOptions.NONE,
          MixOptions.NONE,
          CurriculumOptions.NONE);

  /** The same with another curation of its records. */
  public DatasetStages withCuration(
      CleanOptions otherClean,
      DeduplicateOptions otherDeduplicate,
      DecontaminateOptions otherDecontaminate) {
    return new DatasetStages(
        otherClean, otherDeduplicate, otherDecontaminate, rewards, pairs, mix, curriculum);
  }

  /** The same with something else done about scores. */
  public DatasetStages withScores(RewardOptions otherRewards, PairOptions otherPairs) {
    return new DatasetStages(
        clean, deduplicate, decontaminate, otherRewards, otherPairs, mix, curriculum);
  }

  /** The same with another mixture of sources. */
  public DatasetStages withMix(MixOptions other) {
    return new DatasetStages(clean, deduplicate, decontaminate, rewards, pairs, other, curriculum);
  }

  /** The same in another order. */
  public DatasetStages withCurriculum(CurriculumOptions other) {
    return new DatasetStages(clean, deduplicate, decontaminate, rewards, pairs, mix, other);
  }
}
