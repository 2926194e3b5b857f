package org.sparktune.jobs.dl4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Telling languages apart by the frequencies of their character bigrams, hashed. */
final class Languages {
  static final int FEATURES = 128;
  static final int CLASSES = 4;
  private static final int SYNTHETIC_LETTERS = 60;

  private Languages() {}

  /** A text and its language. */
  private record Sample(String text, int language) {}

  /** Batches of made-up languages, each with its own habits of which letter follows which. */
  static List<DataSet> synthetic(int batches, int examples) {
    Random random = new Random(5);
    List<DataSet> all = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      List<Sample> samples = new ArrayList<>();
      for (int j = 0; j < examples; j++) {
        int language = random.nextInt(CLASSES);
        StringBuilder text = new StringBuilder("a");
        for (int k = 1; k < SYNTHETIC_LETTERS; k++) {
          int last = text.charAt(k - 1) - 'a';
          int step = 1 + language + random.nextInt(12);
          text.append((char) ('a' + (last + step) % 26));
        }
        samples.add(new Sample(text.toString(), language));
      }
      all.add(batch(samples, CLASSES));
    }
    return all;
  }

  /**
   * Batches of pieces of real texts, one language to a file, shuffled.
   *
   * @param files a language each
   * @param letters of a piece
   */
  static List<DataSet> real(List<Path> files, int letters, int piecesOfEach, int examples)
      throws IOException {
    List<Sample> samples = new ArrayList<>();
    for (int language = 0; language < files.size(); language++) {
      String text = Files.readString(files.get(language)).replaceAll("\\s+", " ");
      int pieces = Math.min(piecesOfEach, text.length() / letters);
      for (int i = 0; i < pieces; i++) {
        samples.add(new Sample(text.substring(i * letters, (i + 1) * letters), language));
      }
    }
    Collections.shuffle(samples, new Random(5));
    List<DataSet> batches = new ArrayList<>();
    for (int from = 0; from + examples <= samples.size(); from += examples) {
      batches.add(batch(samples.subList(from, from + examples), files.size()));
    }
    return batches;
  }

  /** Texts of a folder, in order of their names. */
  static List<Path> texts(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
    }
  }

  private static DataSet batch(List<Sample> samples, int classes) {
    INDArray features = Nd4j.create(samples.size(), FEATURES);
    INDArray labels = Nd4j.create(samples.size(), classes);
    for (int i = 0; i < samples.size(); i++) {
      String text = samples.get(i).text();
      float[] counts = new float[FEATURES];
      for (int k = 1; k < text.length(); k++) {
        int bigram = text.charAt(k - 1) * 31 + text.charAt(k);
        counts[Math.floorMod((bigram * 0x9E3779B1) >>> 16, FEATURES)] += 8f / text.length();
      }
      features.putRow(i, Nd4j.createFromArray(counts));
      labels.putScalar(i, samples.get(i).language(), 1);
    }
    return new DataSet(features, labels);
  }
}
