package org.sparktune.trainer.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Finds the input lines that rows were made of: the parts say piece and line of each document,
 * {@code _sources.jsonl} says where the pieces lie in the files. Reads both anew each time, since
 * it is asked only when something went wrong.
 */
final class SourceLines {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FILE_NAME = "_sources.jsonl";

  private final String folder;
  private final Configuration configuration;
  private final List<DatasetManifest.Part> parts;

  /**
   * @param folder the dataset
   * @param parts those that rows may come from
   */
  SourceLines(String folder, Configuration configuration, List<DatasetManifest.Part> parts) {
    this.folder = folder;
    this.configuration = configuration;
    this.parts = parts;
  }

  private record Place(int piece, long line) {}

  private record Piece(String file, long firstLine) {}

  /**
   * The first few documents of rows as {@code file:line}, then how many more there are; empty where
   * the dataset was prepared by a version that did not keep track.
   *
   * @param most how many are spelled out
   */
  String describe(List<DatasetRow> rows, int most) {
    List<Place> places = new ArrayList<>();
    long documents = 0;
    for (DatasetRow row : rows) {
      documents += row.documentStarts().length;
      if (places.size() < most) {
        places.addAll(places(row));
      }
    }
    List<Place> shown = places.subList(0, Math.min(most, places.size()));
    Map<Integer, Piece> pieces = pieces(shown);
    List<String> names = new ArrayList<>();
    for (Place place : shown) {
      Piece piece = pieces.get(place.piece());
      if (piece != null) {
        names.add(piece.file() + ":" + (piece.firstLine() + place.line()));
      }
    }
    if (names.isEmpty()) {
      return "";
    }
    String more =
        documents > names.size() ? " and %,d more".formatted(documents - names.size()) : "";
    return String.join(", ", names) + more;
  }

  private List<Place> places(DatasetRow row) {
    List<Place> places = new ArrayList<>();
    for (DatasetManifest.Part part : parts) {
      if (part.path().equals(row.part())) {
        try (PartReader reader = new PartReader(folder, part, configuration)) {
          Optional<PartReader.DocumentOrigins> origins = reader.origins(row.row());
          for (int i = 0; origins.isPresent() && i < origins.get().pieces().length; i++) {
            places.add(new Place(origins.get().pieces()[i], origins.get().lines()[i]));
          }
        }
      }
    }
    return places;
  }

  /** The pieces that places name. */
  private Map<Integer, Piece> pieces(List<Place> places) {
    Map<Integer, Piece> found = new HashMap<>();
    int last = -1;
    for (Place place : places) {
      last = Math.max(last, place.piece());
    }
    Path file = new Path(folder, FILE_NAME);
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                file.getFileSystem(configuration).open(file), StandardCharsets.UTF_8))) {
      for (int piece = 0; piece <= last; piece++) {
        String line = lines.readLine();
        if (line == null) {
          break;
        }
        JsonNode node = JSON.readTree(line);
        found.put(piece, new Piece(node.path("file").asText(), node.path("first_line").asLong()));
      }
    } catch (FileNotFoundException e) {
      return Map.of();
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read (%s).".formatted(file, e.getMessage()),
          "Prepare the dataset again.",
          e);
    }
    return found;
  }
}
