package org.sparktune.trainer.collective.aeron;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What is derived from a {@link RunKey}, with HMAC-SHA256 keyed by its secret: the tag in every
 * frame, stream and session ids that nobody outside the run can guess, so that the driver allocates
 * nothing for strangers, and the proof in each stream's first frame.
 */
final class RunCodes {
  static final int PROOF_BYTES = 32;

  private final RunKey key;
  private final long tag;
  private final int firstStream;
  private final int firstSession;

  RunCodes(RunKey key) {
    this.key = key;
    ByteBuffer derived = ByteBuffer.wrap(mac("streams", 0, 0, ""));
    this.tag = derived.getLong();
    this.firstStream = derived.getInt() & ~1;
    this.firstSession = derived.getInt();
  }

  /** Stands in every frame of the run's attempt. */
  long tag() {
    return tag;
  }

  int epoch() {
    return key.epoch();
  }

  /** The id of the streams of one kind. */
  int streamId(Lane lane) {
    return firstStream + lane.code();
  }

  /** The id of a rank's session with another. */
  int sessionId(int from, int to, int ranks) {
    return firstSession + from * ranks + to;
  }

  /**
   * Proves that a stream comes from a rank of this run.
   *
   * @param nonce what the receiver's address said, so that a proof serves one receiver once
   */
  byte[] proof(Lane lane, int from, int to, String nonce) {
    return mac(lane.name(), from, to, nonce);
  }

  private byte[] mac(String purpose, int from, int to, String nonce) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key.secret(), "HmacSHA256"));
      String text =
          String.join("\n", purpose, key.runId(), key.epoch() + " " + from + " " + to, nonce);
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HmacSHA256", e);
    }
  }
}
