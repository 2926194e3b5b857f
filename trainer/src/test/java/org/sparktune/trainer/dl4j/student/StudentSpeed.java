package org.sparktune.trainer.dl4j.student;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** How long a student takes for a document, by DL4J and by its own pass. A main class. */
final class StudentSpeed {
  private static final int DOCUMENTS = 2000;
  private static final int ROUNDS = 5;

  private StudentSpeed() {}

  /**
   * Prints the best of some rounds.
   *
   * @param arguments a student's folder
   */
  public static void main(String[] arguments) {
    Student student = Student.load(Path.of(arguments[0]));
    StudentScorer scorer = student.scorer();
    Random random = new Random(1);
    for (int length : new int[] {16, 64, 256}) {
      int[] ids = random.ints(length, 0, student.manifest().vocabularySize()).toArray();
      double own = best(() -> scorer.probabilities(ids));
      double dl4j = best(() -> student.probabilities(List.of(ids)));
      System.out.printf("%d tokens: own pass %.1f us, DL4J %.1f us%n", length, own, dl4j);
    }
  }

  private static double best(Runnable pass) {
    double best = Double.POSITIVE_INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < DOCUMENTS; i++) {
        pass.run();
      }
      best = Math.min(best, (System.nanoTime() - start) * 1e-3 / DOCUMENTS);
    }
    return best;
  }
}
