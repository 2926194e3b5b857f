package org.sparktune.trainer.dl4j.student;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dl4j.CudaBackend;
import org.sparktune.trainer.dl4j.NativeThreads;

/**
 * A trained student. Not safe for use by several threads.
 *
 * <p>Its folder has {@code student.zip}, the graph as DL4J's {@code ModelSerializer} writes it;
 * {@code student.json}, a {@link StudentManifest}; and the files of its tokenizer.
 */
public final class Student {
  /** The file that tells a student's folder from others. */
  public static final String MANIFEST = "student.json";

  private static final String NETWORK = "student.zip";
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private final ComputationGraph graph;
  private final StudentManifest manifest;
  private final StudentInputs inputs;

  /**
   * @param graph of {@link StudentGraph}'s form
   */
  public Student(ComputationGraph graph, StudentManifest manifest) {
    this.graph = graph;
    this.manifest = manifest;
    this.inputs = new StudentInputs(manifest.maxTokens());
  }

  /** Whether a folder holds a student. */
  public static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(MANIFEST));
  }

  /**
   * Reads a student.
   *
   * @throws SparktuneException {@code BAD_FILE} when a file is missing or damaged, {@code
   *     UNSUPPORTED} when a newer version wrote it
   */
  public static Student load(Path folder) {
    StudentManifest manifest = manifest(folder);
    CudaBackend.requireUsable();
    try {
      return new Student(
          ModelSerializer.restoreComputationGraph(folder.resolve(NETWORK).toFile(), false),
          manifest);
    } catch (IOException e) {
      throw damaged(folder, e);
    }
  }

  /**
   * Reads what a student's folder says of it, not its weights.
   *
   * @throws SparktuneException as {@link #load}
   */
  public static StudentManifest manifest(Path folder) {
    try {
      StudentManifest manifest =
          JSON.readValue(folder.resolve(MANIFEST).toFile(), StudentManifest.class);
      if (manifest.formatVersion() > StudentManifest.VERSION) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "The student %s has version %d, this sparktune reads up to %d."
                .formatted(folder, manifest.formatVersion(), StudentManifest.VERSION),
            "Use a newer sparktune.");
      }
      return manifest;
    } catch (IOException e) {
      throw damaged(folder, e);
    }
  }

  private static SparktuneException damaged(Path folder, IOException cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The student %s cannot be read (%s).".formatted(folder, cause.getMessage()),
        "Give the student folder that a distill task made, as a whole.",
        cause);
  }

  /**
   * Writes graph and manifest into a folder that exists; the tokenizer's files are others' work.
   */
  public void save(Path folder) throws IOException {
    ModelSerializer.writeModel(graph, folder.resolve(NETWORK).toFile(), false);
    JSON.writeValue(folder.resolve(MANIFEST).toFile(), manifest);
  }

  /** What is known of it. */
  public StudentManifest manifest() {
    return manifest;
  }

  /** Its network. */
  public ComputationGraph graph() {
    return graph;
  }

  /** Its parameters as they are now, ready to score with. */
  public StudentScorer scorer() {
    return new StudentScorer(graph, manifest);
  }

  /**
   * The distributions over classes, as DL4J computes them: of a network that is being trained.
   *
   * @return {@code (N, classes)}
   */
  public float[][] probabilities(List<int[]> documents) {
    MultiDataSet features = inputs.features(documents);
    return NativeThreads.one(
        () ->
            graph.output(false, features.getFeatures(), features.getFeaturesMaskArrays())[0]
                .toFloatMatrix());
  }
}
