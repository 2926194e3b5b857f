package org.sparktune.jobs.scoring;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;
import org.sparktune.jobs.cli.TinyModel;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dl4j.student.ScoreClasses;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentGraph;
import org.sparktune.trainer.dl4j.student.StudentManifest;
import org.sparktune.trainer.dl4j.student.StudentShape;
import org.sparktune.trainer.objective.distill.DistillationLoss;

/** Models of random weights that give every text another score. */
public final class TinyScorers {
  /** Of the student. */
  public static final int MAX_TOKENS = 12;

  private static final int HIDDEN = 8;

  private TinyScorers() {}

  /** Writes a student with its tokenizer. */
  public static Path student(Path folder) throws IOException {
    TinyModel.write(folder);
    Tokenizer tokenizer = Tokenizers.load(folder);
    ScoreClasses classes = new ScoreClasses(2, 0.5, 3, 9);
    int vocabulary = tokenizer.vocabularySize();
    ComputationGraph graph =
        new ComputationGraph(
            StudentGraph.configuration(
                new StudentShape(vocabulary, HIDDEN, MAX_TOKENS, classes.count()),
                new DistillationLoss(0.5, 1),
                new NoOp(),
                7));
    graph.init();
    Random random = new Random(7);
    float[] parameters = new float[Math.toIntExact(graph.numParams())];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) random.nextGaussian() * 0.5f;
    }
    graph.setParams(Nd4j.createFromArray(parameters));
    StudentManifest manifest =
        new StudentManifest(
            StudentManifest.VERSION,
            vocabulary,
            HIDDEN,
            MAX_TOKENS,
            classes,
            0.5,
            1,
            tokenizer.fingerprint(),
            true);
    new Student(graph, manifest).save(folder);
    return folder;
  }

  /** Writes a whole reward model. */
  public static Path rewardModel(Path folder) throws IOException {
    return TinyModel.writeRewardModel(folder);
  }
}
