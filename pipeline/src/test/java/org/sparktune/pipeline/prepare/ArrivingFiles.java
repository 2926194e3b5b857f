package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;

/** A folder {@code inbox} that files arrive in, and looks at what becomes of them. */
final class ArrivingFiles {
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 4, 9, 5);

  private final Path folder;
  private final String scheme;
  private final DatasetVersions versions =
      new DatasetVersions(
          new HadoopStorage(LocalSpark.session().sparkContext().hadoopConfiguration()));

  ArrivingFiles(Path folder) throws IOException {
    this(folder, "");
  }

  /**
   * @param scheme of the file system that datasets are written to, such as {@code file:}
   */
  ArrivingFiles(Path folder, String scheme) throws IOException {
    this.folder = folder;
    this.scheme = scheme;
    Files.createDirectories(folder.resolve("inbox"));
  }

  /** One record as text. */
  static String record(int index) {
    return "record number %d says %s".formatted(index, "la ".repeat(1 + index % 7)).strip();
  }

  /** Writes records as plain text in JSON Lines. */
  void write(String name, int from, int to) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = from; i < to; i++) {
      lines.append("{\"text\": \"").append(record(i)).append("\"}\n");
    }
    Path file = folder.resolve("inbox").resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, lines);
  }

  /** A dataset of all that is in the inbox. */
  DatasetOptions dataset() {
    return dataset("");
  }

  /** A dataset of one file in the inbox. */
  DatasetOptions dataset(String name) {
    return dataset(name, "auto");
  }

  /** A dataset of the inbox with a chat template of its own. */
  DatasetOptions dated(Path template) {
    return dataset("", template.toString());
  }

  private DatasetOptions dataset(String name, String template) {
    return new DatasetOptions(
        DatasetOptions.Kind.SFT,
        List.of(
            new Source(folder.resolve("inbox").resolve(name).toString(), Schema.AUTO, Map.of())),
        64,
        true,
        true,
        0.2,
        0.05,
        TrainOn.ASSISTANT,
        template,
        OnLong.REJECT,
        true);
  }

  PrepareOptions options(DatasetOptions dataset, String output) {
    try {
      String model = Path.of(ArrivingFiles.class.getResource("/model").toURI()).toString();
      return new PrepareOptions(
          dataset, scheme + folder.resolve(output), model, 7, 2, 1 << 20, NOW);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What a name means, all its versions together. */
  DatasetManifest manifest(String name) throws IOException {
    return versions.whole(versions.resolve(folder.resolve(name).toString()));
  }

  /** The names of a manifest's files. */
  List<String> names(DatasetManifest manifest) {
    return manifest.sources().stream()
        .map(source -> source.path().substring(source.path().lastIndexOf('/') + 1))
        .toList();
  }

  /** The token ids of all documents of a split, sorted. */
  List<String> documents(String name, String split) throws IOException {
    String location = versions.resolve(folder.resolve(name).toString());
    List<String> documents = new ArrayList<>();
    for (StoredDataset.Row row :
        StoredDataset.rows(location, versions.whole(location).splits().get(split))) {
      for (int i = 0; i < row.starts().size(); i++) {
        int end = i + 1 < row.starts().size() ? row.starts().get(i + 1) : row.ids().size();
        documents.add(row.ids().subList(row.starts().get(i), end).toString());
      }
    }
    Collections.sort(documents);
    return documents;
  }

  /** Every file below a folder with a fingerprint of its bytes. */
  Map<String, String> checksums(String name) throws IOException {
    Map<String, String> checksums = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder.resolve(name))) {
      walk.filter(Files::isRegularFile)
          .forEach(file -> checksums.put(file.toString(), checksum(file)));
    }
    return checksums;
  }

  private static String checksum(Path file) {
    try {
      return new Fingerprint().add(Files.readAllBytes(file)).finish();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
