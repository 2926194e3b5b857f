package org.sparktune.trainer.collective.aeron;

import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Collections;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** What this host is called and where it is reached. */
final class HostIdentity {
  private HostIdentity() {}

  /** The same for all processes of one running machine. */
  static String id() {
    return ProcFile.read("/proc/sys/kernel/random/boot_id").orElseGet(HostIdentity::name);
  }

  /** Its name, for people. */
  static String name() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  /**
   * The address to listen on.
   *
   * @param wanted a name or address of this host; empty: what its name resolves to unless that is
   *     the loopback, else the first address of an interface that is up
   */
  static InetAddress address(String wanted) {
    try {
      if (!wanted.isEmpty()) {
        return InetAddress.getByName(wanted);
      }
      InetAddress own = ownAddress();
      return own == null ? InetAddress.getLoopbackAddress() : own;
    } catch (UnknownHostException e) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The host %s to communicate on is not known.".formatted(wanted),
          "Name an address of this host that the others can reach.",
          e);
    }
  }

  private static InetAddress ownAddress() {
    try {
      InetAddress named = InetAddress.getLocalHost();
      if (!named.isLoopbackAddress()) {
        return named;
      }
    } catch (UnknownHostException e) {
      // A host whose own name does not resolve: its interfaces are asked below.
    }
    try {
      InetAddress other = null;
      for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
        if (each.isUp() && !each.isLoopback()) {
          for (InetAddress address : Collections.list(each.getInetAddresses())) {
            if (address instanceof Inet4Address) {
              return address;
            }
            other = address.isLinkLocalAddress() ? other : address;
          }
        }
      }
      return other;
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    }
  }
}
