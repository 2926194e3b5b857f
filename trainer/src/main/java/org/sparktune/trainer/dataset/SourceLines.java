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
import java.util.LinkedHashMap;
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

  /**
   * Where a document comes from.
   *
   * @param root the folder of the version that has the document
   */
  private record Place(Path root, int piece, long line) {}

  private record PieceOf(Path root, int piece) {}

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
    Map<PieceOf, Piece> pieces = pieces(shown);
    List<String> names = new ArrayList<>();
    for (Place place : shown) {
      Piece piece = pieces.get(new PieceOf(place.root(), place.piece()));
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

  /** The file of every document of all parts; empty where one of them did not keep track. */
  List<String> files() {
    List<Place> places = new ArrayList<>();
    for (DatasetManifest.Part part : parts) {
      Path root = new Path(folder, part.path()).getParent().getParent();
      try (PartReader reader = new PartReader(folder, part, configuration)) {
        Optional<List<int[]>> pieces = reader.pieces();
        if (pieces.isEmpty()) {
          return List.of();
        }
        for (int[] ofRow : pieces.get()) {
          for (int piece : ofRow) {
            places.add(new Place(root, piece, 0));
          }
        }
      }
    }
    Map<PieceOf, Piece> found = pieces(places);
    List<String> files = new ArrayList<>(places.size());
    for (Place place : places) {
      Piece piece = found.get(new PieceOf(place.root(), place.piece()));
      if (piece == null) {
        return List.of();
      }
      files.add(piece.file());
    }
    return files;
  }

  private List<Place> places(DatasetRow row) {
    List<Place> places = new ArrayList<>();
    for (DatasetManifest.Part part : parts) {
      if (part.path().equals(row.part())) {
        // A part of an earlier version lies in that version's folder, with its own pieces.
        Path root = new Path(folder, part.path()).getParent().getParent();
        try (PartReader reader = new PartReader(folder, part, configuration)) {
          Optional<PartReader.DocumentOrigins> origins = reader.origins(row.row());
          for (int i = 0; origins.isPresent() && i < origins.get().pieces().length; i++) {
            places.add(new Place(root, origins.get().pieces()[i], origins.get().lines()[i]));
          }
        }
      }
    }
    return places;
  }

  /** The pieces that places name. */
  private Map<PieceOf, Piece> pieces(List<Place> places) {
    Map<Path, Integer> last = new LinkedHashMap<>();
    for (Place place : places) {
      last.merge(place.root(), place.piece(), Math::max);
    }
    Map<PieceOf, Piece> found = new HashMap<>();
    last.forEach((root, piece) -> addPieces(root, piece, found));
    return found;
  }

  private void addPieces(Path root, int last, Map<PieceOf, Piece> found) {
    Path file = new Path(root, FILE_NAME);
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
        found.put(
            new PieceOf(root, piece),
            new Piece(node.path("file").asText(), node.path("first_line").asLong()));
      }
    } catch (FileNotFoundException absent) {
      // A version that did not keep track wrote it: its lines stay unnamed.
      return;
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read (%s).".formatted(file, e.getMessage()),
          "Prepare the dataset again.",
          e);
    }
  }
}
