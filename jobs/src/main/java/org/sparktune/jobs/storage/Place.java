package org.sparktune.jobs.storage;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.storage.LocalCopies;

/** A file or folder of this machine or of any Hadoop file system. */
public sealed interface Place permits LocalPlace, RemotePlace {

  /** A place by its path or URI. */
  static Place of(String location, Configuration hadoop) {
    if (LocalCopies.isRemote(location)) {
      return new RemotePlace(location, hadoop);
    }
    return new LocalPlace(
        location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location));
  }

  /** The path or URI. */
  String location();

  /** Its path, if it is on this machine. */
  Optional<Path> local();

  /** A file or folder in this folder. */
  Place child(String name);

  /** Whether there is a file or folder. */
  boolean exists();

  /** Whether there is a folder. */
  boolean isFolder();

  /** The names of what is in this folder, sorted; none when there is no such folder. */
  List<String> names();

  /** The text of a small file, if there is one. */
  Optional<String> read();

  /** Writes a small file that is there whole or not at all, in the place of another or of none. */
  void write(String text);

  /** Makes this folder and those above it, where they are not there. */
  void makeFolder();

  /** Removes this file, or this folder with all that is in it, if it is there. */
  void delete();
}
