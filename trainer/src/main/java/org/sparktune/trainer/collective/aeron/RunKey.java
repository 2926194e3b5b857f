package org.sparktune.trainer.collective.aeron;

import java.util.Arrays;
import java.util.Objects;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What the ranks of one attempt at a run share and nobody else knows.
 *
 * @param runId names the run
 * @param epoch the number of the attempt: what an earlier attempt still sends is stale
 * @param secret authenticates every stream; at least {@value #SHORTEST_SECRET} bytes
 */
public record RunKey(String runId, int epoch, byte[] secret) {
  /** Fewest bytes of a secret. */
  public static final int SHORTEST_SECRET = 16;

  /** Copies the secret. */
  public RunKey {
    Objects.requireNonNull(runId, "runId");
    secret = secret.clone();
    if (secret.length < SHORTEST_SECRET) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The secret of run %s has %d bytes, fewer than %d."
              .formatted(runId, secret.length, SHORTEST_SECRET),
          "Take 32 bytes from a SecureRandom.");
    }
  }

  @Override
  public byte[] secret() {
    return secret.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RunKey key
        && runId.equals(key.runId)
        && epoch == key.epoch
        && Arrays.equals(secret, key.secret);
  }

  @Override
  public int hashCode() {
    return Objects.hash(runId, epoch);
  }

  /** Leaves the secret out. */
  @Override
  public String toString() {
    return "run %s, attempt %d".formatted(runId, epoch);
  }
}
