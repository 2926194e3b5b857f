package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class TransportSettingsTest {
  private static final SystemLimits USUAL = new SystemLimits(212_992, 212_992);
  private static final SystemLimits LARGE = new SystemLimits(16 << 20, 16 << 20);

  @Test
  void shouldFillInDefaultsThatFitAnOrdinarySystem() {
    TransportSettings settings = TransportSettings.conclude(CollectiveOptions.defaults(), USUAL);

    assertEquals(1408, settings.mtuLength());
    assertEquals(212_992, settings.socketBufferLength());
    assertEquals(106_496, settings.initialWindowLength());
    assertEquals(Duration.ofSeconds(30).toNanos(), settings.peerTimeoutNanos());
    assertEquals(Duration.ofSeconds(1).toNanos(), settings.heartbeatNanos());
    assertTrue(settings.transportTimeoutNanos() > settings.peerTimeoutNanos());
  }

  @Test
  void shouldTakeWhatIsGiven() {
    CollectiveOptions options =
        CollectiveOptions.builder()
            .mtuLength(8192)
            .termLength(1 << 20)
            .socketBufferLength(1 << 20)
            .initialWindowLength(1 << 19)
            .peerTimeout(Duration.ofSeconds(2))
            .build();
    TransportSettings settings = TransportSettings.conclude(options, LARGE);

    assertEquals(8192, settings.mtuLength());
    assertEquals(1 << 20, settings.socketBufferLength());
    assertEquals(1 << 19, settings.initialWindowLength());
    assertEquals(Duration.ofMillis(400).toNanos(), settings.heartbeatNanos());
  }

  @Test
  void shouldNameBothValuesThatClash() {
    refuses(builder().mtuLength(65_504).termLength(1 << 18), LARGE, "65504", "262144");
    refuses(builder().socketBufferLength(1 << 20), USUAL, "1048576", "rmem_max is 212992");
    refuses(
        builder().socketBufferLength(1 << 20),
        new SystemLimits(1 << 21, 212_992),
        "1048576",
        "wmem_max is 212992");
    refuses(builder().mtuLength(65_504).socketBufferLength(32_768), LARGE, "65504", "32768");
    refuses(builder().mtuLength(8192).initialWindowLength(4096), LARGE, "4096", "8192");
    refuses(builder().initialWindowLength(1 << 18), USUAL, "262144", "212992");
    refuses(builder().termLength(1 << 16).initialWindowLength(1 << 16), LARGE, "65536", "65536");
    refuses(builder().mtuLength(1400), LARGE, "1400", "32");
    refuses(builder().termLength(1_000_000), LARGE, "1000000", "65536");
    refuses(builder().peerTimeout(Duration.ofMillis(1)), LARGE, "1 ms", "200 ms");
    Path driver = Path.of("/dev/shm/driver");
    refuses(builder().externalDriver(driver).portRange("4000 4100"), LARGE, "4000 4100", "driver");
    refuses(builder().externalDriver(driver).directory(Path.of("/tmp")), LARGE, "/tmp", "/driver");
    refuses(builder().connectTimeout(Duration.ofDays(1)), LARGE, "86400000 ms", "3600000 ms");
  }

  @Test
  void shouldShortenBuffersWhereSharedMemoryIsTight() {
    CollectiveOptions options = CollectiveOptions.defaults();
    List<PeerAddress> docker = addresses(4, 64L << 20);
    TermLengths lengths = TermLengths.choose(options, docker);

    assertTrue(lengths.udp() < options.termLength() && lengths.udp() >= 65_536);
    assertEquals(lengths.udp(), lengths.ipc());
    assertTrue(lengths.ipcMtu() <= lengths.ipc() / 8);
    assertEquals(
        new TermLengths(options.termLength(), options.ipcTermLength()),
        TermLengths.choose(options, addresses(4, 4L << 30)));

    SparktuneException failure =
        assertThrows(
            SparktuneException.class, () -> TermLengths.choose(options, addresses(4, 2L << 20)));
    assertEquals(ErrorCode.RESOURCES, failure.code());
    assertTrue(failure.getMessage().contains("only 2097152 are free"), failure.getMessage());
  }

  @Test
  void shouldReadTheAddressItWrote() {
    PeerAddress address =
        new PeerAddress("host & name=1", "fe80::1", 40_100, "id", "/dev/shm/a b", "00ff", 1L << 40);

    assertEquals(address, PeerAddress.parse(address.format()));
    assertEquals("[fe80::1]:40100", address.endpoint());
    for (String text : List.of("", "sparktune-1", "sparktune-2&host=a", address + "&port=x")) {
      assertEquals(
          ErrorCode.MISMATCH,
          assertThrows(SparktuneException.class, () -> PeerAddress.parse(text)).code());
    }
  }

  private static List<PeerAddress> addresses(int ranks, long free) {
    List<PeerAddress> addresses = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      addresses.add(new PeerAddress("host", "10.0.0.1", 1, "id", "/dev/shm/x", "nonce", free));
    }
    return addresses;
  }

  private static CollectiveOptions.Builder builder() {
    return CollectiveOptions.builder();
  }

  private static void refuses(
      CollectiveOptions.Builder builder, SystemLimits limits, String first, String second) {
    SparktuneException failure =
        assertThrows(
            SparktuneException.class, () -> TransportSettings.conclude(builder.build(), limits));
    assertEquals(ErrorCode.INVALID_SPEC, failure.code());
    assertTrue(
        failure.getMessage().contains(first) && failure.getMessage().contains(second),
        failure.getMessage());
  }
}
