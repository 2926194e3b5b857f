package org.sparktune.jobs.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command: its console, the options that all have, and how it prints JSON. */
abstract class BaseCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper INDENTED =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Mixin private CommonOptions common;

  private final Console console;

  BaseCommand(Console console) {
    this.console = console;
  }

  /** Does the work; a failure is thrown. */
  abstract void run() throws Exception;

  @Override
  public final Integer call() throws Exception {
    if (common.verbose()) {
      System.setProperty("sparktune.log.level", "debug");
    }
    run();
    return 0;
  }

  boolean verbose() {
    return common.verbose();
  }

  Console console() {
    return console;
  }

  /** Prints a value as one line of JSON. */
  void printJson(Object value) {
    print(JSON, value);
  }

  /** Prints a value as indented JSON. */
  void printIndentedJson(Object value) {
    print(INDENTED, value);
  }

  private void print(ObjectMapper mapper, Object value) {
    try {
      console.out().println(mapper.writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A result must be representable as JSON", e);
    }
  }
}
