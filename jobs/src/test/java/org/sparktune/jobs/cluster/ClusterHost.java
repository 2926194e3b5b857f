package org.sparktune.jobs.cluster;

import java.util.ArrayList;
import java.util.List;

/**
 * Where processes of a cluster run.
 *
 * @param address what they bind to and others reach them by
 * @param entry the words before a command that make it run there, such as {@code ip netns exec
 *     NAME}
 */
public record ClusterHost(String address, List<String> entry) {

  /** This machine, by its loopback interface. */
  public static final ClusterHost LOCAL = new ClusterHost("localhost", List.of());

  /** A command that runs there. */
  List<String> command(List<String> words) {
    List<String> command = new ArrayList<>(entry);
    command.addAll(words);
    return command;
  }

  /** The address in the form that Spark's {@code SPARK_LOCAL_IP} takes. */
  String numericAddress() {
    return address.equals("localhost") ? "127.0.0.1" : address;
  }
}
