package org.sparktune.trainer.dl4j.student;

/**
 * The shape of a student.
 *
 * @param vocabularySize token ids are below this
 * @param hiddenSize of embeddings, attention and what is pooled
 * @param maxTokens that it reads of a document: the last ones
 * @param classes that it tells apart
 */
public record StudentShape(int vocabularySize, int hiddenSize, int maxTokens, int classes) {

  /** Checks the numbers. */
  public StudentShape {
    if (vocabularySize < 1 || hiddenSize < 1 || maxTokens < 1 || classes < 2) {
      throw new IllegalArgumentException(
          "A student of vocabulary %d, hidden size %d, %d tokens and %d classes"
              .formatted(vocabularySize, hiddenSize, maxTokens, classes));
    }
  }
}
