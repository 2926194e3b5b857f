package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Two hosts on one machine: network namespaces whose only connection is a cable that loses and
 * delays packets, {@code docs/faults/link.c}. Needs root, {@code ip} and a C compiler.
 */
public final class CableBetweenHosts implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final List<String> ADDRESSES = List.of("10.77.0.1", "10.77.0.2");

  private final Path folder;
  private final List<String> names;
  private ChildProcess cable;

  private CableBetweenHosts(Path folder, List<String> names) {
    this.folder = folder;
    this.names = names;
  }

  /** Why it cannot be made here; empty if it can. */
  public static String obstacle() {
    if (!"root".equals(System.getProperty("user.name"))) {
      return "network namespaces need root";
    }
    for (String needed : List.of("/dev/net/tun", "/usr/sbin/ip", "/usr/bin/gcc")) {
      if (!Files.exists(Path.of(needed))) {
        return needed + " is missing";
      }
    }
    return "";
  }

  /**
   * Makes the hosts and connects them.
   *
   * @param folder where the cable's program is built
   * @param lossPercent how many packets are lost in either direction
   * @param delayMillis how long a packet takes, give or take the jitter
   * @param jitterMillis at most the delay
   */
  public static CableBetweenHosts lay(
      Path folder, double lossPercent, int delayMillis, int jitterMillis) throws IOException {
    long id = ProcessHandle.current().pid();
    CableBetweenHosts hosts =
        new CableBetweenHosts(folder, List.of("sparktune-a-" + id, "sparktune-b-" + id));
    try {
      hosts.connect(lossPercent, delayMillis, jitterMillis);
      return hosts;
    } catch (IOException | RuntimeException | Error e) {
      hosts.close();
      throw e;
    }
  }

  /** The first or second host. */
  public ClusterHost host(int index) {
    return new ClusterHost(ADDRESSES.get(index), List.of("ip", "netns", "exec", names.get(index)));
  }

  private void connect(double lossPercent, int delayMillis, int jitterMillis) throws IOException {
    Path program = folder.resolve("link");
    Path source = TestSparkHome.project().resolve("docs/faults/link.c");
    run("gcc", "-O2", "-o", program.toString(), source.toString());
    for (String name : names) {
      run("ip", "netns", "add", name);
      run("ip", "-n", name, "link", "set", "lo", "up");
    }
    cable =
        ChildProcess.start(
            "cable",
            folder,
            Map.of(),
            List.of(
                program.toString(),
                names.get(0),
                names.get(1),
                Double.toString(lossPercent),
                Integer.toString(delayMillis),
                Integer.toString(jitterMillis),
                "1"));
    cable.awaitLine(Pattern.compile("ready"), PATIENCE);
    for (int i = 0; i < 2; i++) {
      String[] address = {
        "ip",
        "-n",
        names.get(i),
        "addr",
        "add",
        ADDRESSES.get(i),
        "peer",
        ADDRESSES.get(1 - i),
        "dev",
        "cable"
      };
      run(address);
      run("ip", "-n", names.get(i), "link", "set", "cable", "up");
    }
  }

  /** Takes the cable away and tells what it carried and lost. */
  public String cut() {
    cable.terminate();
    cable.awaitEnd(PATIENCE);
    return cable.output();
  }

  @Override
  public void close() {
    if (cable != null) {
      cable.close();
    }
    for (String name : names) {
      if (Files.exists(Path.of("/var/run/netns", name))) {
        try {
          run("ip", "netns", "del", name);
        } catch (IOException e) {
          throw new java.io.UncheckedIOException("The namespace " + name + " stays behind", e);
        }
      }
    }
  }

  private void run(String... command) throws IOException {
    try (ChildProcess process =
        ChildProcess.start(command[0], folder, Map.of(), List.of(command))) {
      if (process.awaitEnd(PATIENCE) != 0) {
        throw new IOException(String.join(" ", command) + ": " + process.output());
      }
    }
  }
}
