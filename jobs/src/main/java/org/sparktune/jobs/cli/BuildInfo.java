package org.sparktune.jobs.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What the build wrote into {@code build.properties}. */
public final class BuildInfo {
  private static final Properties PROPERTIES = load();

  private BuildInfo() {}

  /** The version of sparktune. */
  public static String version() {
    return PROPERTIES.getProperty("version");
  }

  private static Properties load() {
    Properties properties = new Properties();
    try (InputStream in =
        BuildInfo.class.getResourceAsStream("/org/sparktune/jobs/build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("The jar has no readable build.properties", e);
    }
    return properties;
  }
}
