package org.sparktune.jobs.distill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;
import org.sparktune.core.AtomicFile;

/** A network with its updater's state after every epoch, the newest of them: DL4J's own zip. */
final class StudentCheckpoints {
  private static final String SUFFIX = ".zip";

  private final Path folder;

  StudentCheckpoints(Path folder) {
    this.folder = folder;
  }

  /** The newest network, if one was saved. */
  Optional<ComputationGraph> newest() {
    List<Path> saved = saved();
    if (saved.isEmpty()) {
      return Optional.empty();
    }
    Path newest = saved.get(saved.size() - 1);
    try {
      return Optional.of(ModelSerializer.restoreComputationGraph(newest.toFile(), true));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Saves a network and removes what was saved before it. */
  void save(ComputationGraph network, int epoch) {
    List<Path> before = saved();
    Path file = folder.resolve("epoch-%05d%s".formatted(epoch, SUFFIX));
    try {
      AtomicFile.write(
          file, temporary -> ModelSerializer.writeModel(network, temporary.toFile(), true));
      for (Path old : before) {
        if (!old.equals(file)) {
          Files.delete(old);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Path> saved() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(SUFFIX)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
