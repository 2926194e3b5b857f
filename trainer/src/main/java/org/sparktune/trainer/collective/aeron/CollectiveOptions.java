package org.sparktune.trainer.collective.aeron;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How ranks communicate. The defaults are safe for ordinary networks; {@link TransportSettings}
 * fills in what is left open from the machine's limits and refuses values that clash.
 *
 * @param medium shared memory, UDP, or what suits each pair
 * @param wire how gradients travel
 * @param host the name or address to listen on, which the others must be able to reach; empty: this
 *     host's own
 * @param portRange UDP ports to choose from, such as {@code 40100 40200}; empty: any
 * @param mtuLength bytes of a UDP datagram's payload: 1408 fits every Ethernet, 8192 needs jumbo
 *     frames, 65504 is for the loopback interface
 * @param termLength bytes of one of a UDP stream's three buffers
 * @param ipcTermLength bytes of one of a shared-memory stream's three buffers
 * @param socketBufferLength bytes of the UDP sockets' buffers; 0: as large as the system allows, up
 *     to 4 MiB
 * @param initialWindowLength bytes a sender may be ahead of a receiver; 0: what fits the socket
 *     buffer
 * @param peerTimeout after which a rank that is not heard of counts as lost; shorter pauses are
 *     survived
 * @param connectTimeout after which ranks that have not found each other give up
 * @param directory where stream buffers are mapped; empty: {@code /dev/shm} or the temporary folder
 * @param externalDriver the folder of a media driver that runs on this host; empty: one of the
 *     rank's own
 */
public record CollectiveOptions(
    Medium medium,
    WireType wire,
    String host,
    String portRange,
    int mtuLength,
    int termLength,
    int ipcTermLength,
    int socketBufferLength,
    int initialWindowLength,
    Duration peerTimeout,
    Duration connectTimeout,
    Optional<Path> directory,
    Optional<Path> externalDriver) {

  /** Checks for nulls; {@link TransportSettings} checks values. */
  public CollectiveOptions {
    Objects.requireNonNull(medium, "medium");
    Objects.requireNonNull(wire, "wire");
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(portRange, "portRange");
    Objects.requireNonNull(peerTimeout, "peerTimeout");
    Objects.requireNonNull(connectTimeout, "connectTimeout");
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(externalDriver, "externalDriver");
  }

  /** The defaults. */
  public static CollectiveOptions defaults() {
    return new Builder().build();
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects options; what is not set keeps its default. */
  public static final class Builder {
    private Medium medium = Medium.AUTO;
    private WireType wire = WireType.F32;
    private String host = "";
    private String portRange = "";
    private int mtuLength = 1408;
    private int termLength = 2 << 20;
    private int ipcTermLength = 1 << 20;
    private int socketBufferLength;
    private int initialWindowLength;
    private Duration peerTimeout = Duration.ofSeconds(30);
    private Duration connectTimeout = Duration.ofSeconds(60);
    private Optional<Path> directory = Optional.empty();
    private Optional<Path> externalDriver = Optional.empty();

    private Builder() {}

    /** See {@link CollectiveOptions#medium}. */
    public Builder medium(Medium value) {
      this.medium = value;
      return this;
    }

    /** See {@link CollectiveOptions#wire}. */
    public Builder wire(WireType value) {
      this.wire = value;
      return this;
    }

    /** See {@link CollectiveOptions#host}. */
    public Builder host(String value) {
      this.host = value;
      return this;
    }

    /** See {@link CollectiveOptions#portRange}. */
    public Builder portRange(String value) {
      this.portRange = value;
      return this;
    }

    /** See {@link CollectiveOptions#mtuLength}. */
    public Builder mtuLength(int value) {
      this.mtuLength = value;
      return this;
    }

    /** See {@link CollectiveOptions#termLength}. */
    public Builder termLength(int value) {
      this.termLength = value;
      return this;
    }

    /** See {@link CollectiveOptions#ipcTermLength}. */
    public Builder ipcTermLength(int value) {
      this.ipcTermLength = value;
      return this;
    }

    /** See {@link CollectiveOptions#socketBufferLength}. */
    public Builder socketBufferLength(int value) {
      this.socketBufferLength = value;
      return this;
    }

    /** See {@link CollectiveOptions#initialWindowLength}. */
    public Builder initialWindowLength(int value) {
      this.initialWindowLength = value;
      return this;
    }

    /** See {@link CollectiveOptions#peerTimeout}. */
    public Builder peerTimeout(Duration value) {
      this.peerTimeout = value;
      return this;
    }

    /** See {@link CollectiveOptions#connectTimeout}. */
    public Builder connectTimeout(Duration value) {
      this.connectTimeout = value;
      return this;
    }

    /** See {@link CollectiveOptions#directory}. */
    public Builder directory(Path value) {
      this.directory = Optional.of(value);
      return this;
    }

    /** See {@link CollectiveOptions#externalDriver}. */
    public Builder externalDriver(Path value) {
      this.externalDriver = Optional.of(value);
      return this;
    }

    /** The options. */
    public CollectiveOptions build() {
      return new CollectiveOptions(
          medium,
          wire,
          host,
          portRange,
          mtuLength,
          termLength,
          ipcTermLength,
          socketBufferLength,
          initialWindowLength,
          peerTimeout,
          connectTimeout,
          directory,
          externalDriver);
    }
  }
}
