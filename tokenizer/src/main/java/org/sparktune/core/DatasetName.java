package org.sparktune.core;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A dataset as people name it: {@code FOLDER}, or {@code FOLDER@v3} for one of its versions.
 *
 * @param folder the folder, a path or URI
 * @param version the version, or {@link #NEWEST}
 */
public record DatasetName(String folder, int version) {
  /** No version in particular. */
  public static final int NEWEST = 0;

  private static final Pattern PINNED = Pattern.compile("(.+?)/*@v([1-9][0-9]{0,8})/*");
  private static final Pattern FOLDER = Pattern.compile("v([1-9][0-9]{0,8})");

  /** Takes a name apart. */
  public static DatasetName parse(String written) {
    Matcher pinned = PINNED.matcher(written);
    return pinned.matches()
        ? new DatasetName(pinned.group(1), Integer.parseInt(pinned.group(2)))
        : new DatasetName(written, NEWEST);
  }

  /** Whether a version is named. */
  public boolean isPinned() {
    return version != NEWEST;
  }

  /** What follows the folder: {@code @v3}, or nothing. */
  public String pin() {
    return isPinned() ? "@v" + version : "";
  }

  /** The name of a version's folder inside the dataset's: {@code v3}. */
  public static String versionFolder(int number) {
    return "v" + number;
  }

  /** The number of a version's folder; nothing for any other name. */
  public static OptionalInt versionNumber(String folderName) {
    Matcher matcher = FOLDER.matcher(folderName);
    return matcher.matches()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }
}
