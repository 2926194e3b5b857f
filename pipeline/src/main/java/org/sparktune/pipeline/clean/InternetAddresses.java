package org.sparktune.pipeline.clean;

/** Tells addresses that can lead to a person from private, local and documentation ones. */
final class InternetAddresses {
  private static final int GROUPS = 8;

  private InternetAddresses() {}

  /** Whether four numbers with points are an address on the public internet. */
  static boolean isPublicV4(String written) {
    String[] parts = written.split("\\.", -1);
    int[] octets = new int[4];
    for (int i = 0; i < 4; i++) {
      octets[i] = Integer.parseInt(parts[i]);
      boolean padded = parts[i].length() > 1 && parts[i].charAt(0) == '0';
      if (octets[i] > 255 || padded) {
        return false;
      }
    }
    int first = octets[0];
    int second = octets[1];
    // RFC 1918, 1122, 3927, 6598, 5771 and 1112.
    boolean local = first == 0 || first == 10 || first == 127 || first >= 224;
    boolean shared = first == 100 && second >= 64 && second < 128;
    boolean link = first == 169 && second == 254;
    boolean private172 = first == 172 && second >= 16 && second < 32;
    boolean private192 = first == 192 && second == 168;
    return !local && !shared && !link && !private172 && !private192;
  }

  /** Whether hexadecimal groups with colons are an address on the public internet (RFC 4291). */
  static boolean isPublicV6(String written) {
    int gap = written.indexOf("::");
    if (gap != written.lastIndexOf("::") || written.contains(":::")) {
      return false;
    }
    boolean edge = written.startsWith(":") && gap != 0;
    edge |= written.endsWith(":") && gap != written.length() - 2;
    int groups = 0;
    boolean digit = false;
    for (String group : written.split(":", -1)) {
      if (group.length() > 4) {
        return false;
      }
      groups += group.isEmpty() ? 0 : 1;
      digit |= group.chars().anyMatch(Character::isDigit);
    }
    // Words such as bad::add are no addresses, and "::1" and the like are no one's.
    boolean complete = gap < 0 ? groups == GROUPS : groups >= 2 && groups < GROUPS;
    if (edge || !complete || !digit) {
      return false;
    }
    String lower = written.toLowerCase(java.util.Locale.ROOT);
    boolean linkLocal =
        lower.startsWith("fe8")
            || lower.startsWith("fe9")
            || lower.startsWith("fea")
            || lower.startsWith("feb");
    boolean uniqueLocal = lower.startsWith("fc") || lower.startsWith("fd");
    return !linkLocal && !uniqueLocal;
  }
}
