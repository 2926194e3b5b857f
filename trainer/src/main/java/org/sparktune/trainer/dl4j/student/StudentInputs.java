package org.sparktune.trainer.dl4j.student;

import java.io.Serializable;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Documents as a student reads them. N is their number, L the tokens of the longest.
 *
 * @param maxTokens the last ones of a document count
 */
public record StudentInputs(int maxTokens) implements Serializable {

  /**
   * Documents without labels.
   *
   * @param documents token ids of each
   * @return features {@code (N, 1, L)}: ids, positions; with a mask {@code (N, L)} each
   */
  public MultiDataSet features(List<int[]> documents) {
    int longest = 0;
    for (int[] ids : documents) {
      longest = Math.max(longest, Math.min(maxTokens, ids.length));
    }
    float[][][] tokens = new float[documents.size()][1][longest];
    float[][][] positions = new float[documents.size()][1][longest];
    float[][] mask = new float[documents.size()][longest];
    for (int i = 0; i < tokens.length; i++) {
      int[] ids = documents.get(i);
      int count = Math.min(maxTokens, ids.length);
      for (int position = 0; position < count; position++) {
        tokens[i][0][position] = ids[ids.length - count + position];
        positions[i][0][position] = position;
        mask[i][position] = 1;
      }
    }
    INDArray masks = Nd4j.createFromArray(mask);
    return new MultiDataSet(
        new INDArray[] {Nd4j.createFromArray(tokens), Nd4j.createFromArray(positions)},
        new INDArray[0],
        new INDArray[] {masks, masks.dup()},
        null);
  }

  /**
   * One document to learn.
   *
   * @param label its class
   * @param teacher the teacher's logits
   */
  public MultiDataSet example(int[] ids, int label, float[] teacher) {
    MultiDataSet example = features(List.of(ids));
    float[] labels = new float[1 + teacher.length];
    labels[0] = label;
    System.arraycopy(teacher, 0, labels, 1, teacher.length);
    example.setLabels(new INDArray[] {Nd4j.createFromArray(new float[][] {labels})});
    return example;
  }
}
