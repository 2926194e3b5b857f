package org.sparktune.trainer.collective.aeron;

/**
 * What the operating system allows.
 *
 * @param largestReceiveBuffer bytes of a socket's receive buffer
 * @param largestSendBuffer bytes of a socket's send buffer
 */
record SystemLimits(int largestReceiveBuffer, int largestSendBuffer) {
  /** What Linux allows when nobody changed it; also taken where it cannot be asked. */
  private static final int USUAL = 212_992;

  /** Asks the system. */
  static SystemLimits read() {
    return new SystemLimits(read("rmem_max"), read("wmem_max"));
  }

  private static int read(String name) {
    return ProcFile.read("/proc/sys/net/core/" + name)
        .filter(text -> text.matches("\\d{1,9}"))
        .map(Integer::parseInt)
        .orElse(USUAL);
  }
}
