package org.sparktune.trainer.checkpoint;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.sparktune.trainer.storage.Storage;

/**
 * A folder of checkpoints: which there are, and their files' names.
 *
 * <pre>
 *   step-00000100/state.json                                what makes it a checkpoint
 *   step-00000100/part-00000-of-00002-5f1c.safetensors      what rank 0 held
 *   latest, best                                            the name of one of the folders
 * </pre>
 */
final class CheckpointFolder {
  static final String MANIFEST = "state.json";
  static final String LATEST = "latest";
  static final String BEST = "best";
  private static final Pattern NAME = Pattern.compile("step-(\\d+)(\\.tmp)?");

  private final String location;
  private final Path path;
  private final Storage storage;

  /**
   * @param location a path or URI
   */
  CheckpointFolder(String location, Storage storage) {
    this.location = location;
    this.path = new Path(location);
    this.storage = storage;
  }

  /** What is in the folder, by step. */
  record Listing(List<Long> complete, List<Path> leftovers) {}

  String location() {
    return location;
  }

  Path path() {
    return path;
  }

  static String name(long step) {
    return "step-%08d".formatted(step);
  }

  /** The folder of a step. */
  Path folder(long step) {
    return new Path(path, name(step));
  }

  /** A checkpoint for messages: as the user would write its path. */
  String describe(long step) {
    return location + "/" + name(step);
  }

  /**
   * Lists the folder.
   *
   * @return steps with a manifest, ascending, and folders without one, which are what interrupted
   *     saves left
   */
  Listing list() throws IOException {
    List<Long> complete = new ArrayList<>();
    List<Path> leftovers = new ArrayList<>();
    for (FileStatus status : storage.list(path)) {
      Matcher name = NAME.matcher(status.getPath().getName());
      if (!status.isDirectory() || !name.matches()) {
        continue;
      }
      if (name.group(2) == null && storage.exists(new Path(status.getPath(), MANIFEST))) {
        complete.add(Long.parseLong(name.group(1)));
      } else {
        leftovers.add(status.getPath());
      }
    }
    Collections.sort(complete);
    return new Listing(complete, leftovers);
  }

  /** The newest checkpoint for a message, whole or not. */
  String newestName() {
    try {
      List<Long> steps = list().complete();
      return steps.isEmpty()
          ? "the beginning (there is no checkpoint yet)"
          : describe(steps.get(steps.size() - 1));
    } catch (IOException e) {
      // It is part of a message about another failure, which must not be lost.
      return "the newest checkpoint in " + location;
    }
  }

  /**
   * Reads a step's manifest.
   *
   * @throws DamagedException when it is not whole
   * @throws org.sparktune.core.SparktuneException {@code UNSUPPORTED} when another version wrote it
   */
  Manifest manifest(long step) throws IOException, DamagedException {
    return ManifestJson.read(
        describe(step), StorageFailures.readDamageable(storage, new Path(folder(step), MANIFEST)));
  }

  /** Writes the manifest, which makes the folder a checkpoint. */
  void writeManifest(long step, String text) throws IOException {
    storage.put(new Path(folder(step), MANIFEST), text);
  }

  /** What a pointer names; empty without one. */
  String pointer(String name) throws IOException {
    try (InputStream in = storage.open(new Path(path, name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (FileNotFoundException e) {
      return "";
    }
  }

  /** Writes a pointer unless it names that step already. */
  void point(String name, long step) throws IOException {
    if (!pointer(name).equals(name(step))) {
      storage.put(new Path(path, name), name(step) + "\n");
    }
  }

  /** Removes a pointer if there is one. */
  void removePointer(String name) throws IOException {
    storage.delete(new Path(path, name));
  }

  /** Removes a checkpoint; its manifest first, so that half of one is never taken for a whole. */
  void remove(long step) throws IOException {
    storage.delete(new Path(folder(step), MANIFEST));
    storage.delete(folder(step));
  }
}
