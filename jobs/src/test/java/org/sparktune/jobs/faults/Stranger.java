package org.sparktune.jobs.faults;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends garbage to every UDP port that some processes listen on: random bytes, and bytes that begin
 * as Aeron's setup and data frames do.
 */
final class Stranger implements AutoCloseable {
  private static final int LARGEST = 1400;
  private static final int[] AERON_TYPES = {1, 2, 3, 5, 6};

  private final Random random;
  private final AtomicLong sent = new AtomicLong();
  private volatile boolean ended;
  private Thread thread;

  Stranger(Random random) {
    this.random = random;
  }

  /** Begins to send, until closed. */
  void begin(List<ProcessHandle> processes) throws IOException {
    List<InetSocketAddress> targets = new ArrayList<>();
    for (ProcessHandle process : processes) {
      for (int port : ports(process.pid())) {
        targets.add(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      }
    }
    thread = new Thread(() -> send(targets), "stranger");
    thread.setDaemon(true);
    thread.start();
  }

  long sent() {
    return sent.get();
  }

  private void send(List<InetSocketAddress> targets) {
    try (DatagramSocket socket = new DatagramSocket()) {
      while (!ended) {
        for (InetSocketAddress target : targets) {
          byte[] bytes = bytes();
          socket.send(new DatagramPacket(bytes, bytes.length, target));
          sent.incrementAndGet();
        }
        Thread.sleep(1);
      }
    } catch (IOException e) {
      // A port that is closed again answers with an error: the process has ended.
      ended = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private byte[] bytes() {
    byte[] bytes = new byte[1 + random.nextInt(LARGEST)];
    random.nextBytes(bytes);
    if (bytes.length >= 40 && random.nextBoolean()) {
      int length = bytes.length;
      for (int i = 0; i < 4; i++) {
        bytes[i] = (byte) (length >>> (8 * i));
      }
      bytes[4] = 0;
      bytes[6] = (byte) AERON_TYPES[random.nextInt(AERON_TYPES.length)];
      bytes[7] = 0;
    }
    return bytes;
  }

  /** The UDP ports of a process, from the kernel's tables. */
  private static Set<Integer> ports(long pid) throws IOException {
    Set<String> inodes = new TreeSet<>();
    try (var descriptors = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
      for (Path descriptor : descriptors) {
        if (Files.isSymbolicLink(descriptor)) {
          String target = Files.readSymbolicLink(descriptor).toString();
          if (target.startsWith("socket:[")) {
            inodes.add(target.substring(8, target.length() - 1));
          }
        }
      }
    }
    Set<Integer> ports = new TreeSet<>();
    for (String table : List.of("/proc/net/udp", "/proc/net/udp6")) {
      List<String> lines = Files.readAllLines(Path.of(table));
      for (String line : lines.subList(1, lines.size())) {
        String[] columns = line.strip().split("\\s+", -1);
        if (inodes.contains(columns[9])) {
          ports.add(Integer.parseInt(columns[1].substring(columns[1].indexOf(':') + 1), 16));
        }
      }
    }
    return ports;
  }

  @Override
  public void close() {
    ended = true;
    if (thread != null) {
      thread.interrupt();
    }
  }
}
