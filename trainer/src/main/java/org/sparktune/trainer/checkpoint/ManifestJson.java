package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * A manifest as JSON text. Its last entry is the CRC32C of the rest, written without blanks: a
 * manifest that was cut off or changed is told from a whole one.
 */
final class ManifestJson {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CHECKSUM = "crc32c";
  private static final String VERSION = "format_version";

  private ManifestJson() {}

  static String write(Manifest manifest) {
    try {
      // Read back, so that the sum is taken over exactly what a reader will see.
      ObjectNode node = (ObjectNode) JSON.readTree(JSON.writeValueAsString(manifest));
      node.put(CHECKSUM, checksum(node));
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A manifest must be representable as JSON", e);
    }
  }

  /**
   * Reads a manifest.
   *
   * @param where the checkpoint's name for messages
   * @throws DamagedException when it is not whole
   * @throws SparktuneException {@link ErrorCode#UNSUPPORTED} when another version wrote it
   */
  static Manifest read(String where, String text) throws DamagedException {
    try {
      JsonNode node = JSON.readTree(text);
      if (!(node instanceof ObjectNode object)) {
        throw new DamagedException("its state.json is not a JSON object");
      }
      requireVersion(where, object);
      JsonNode expected = object.remove(CHECKSUM);
      String actual = checksum(object);
      if (expected == null || !expected.asText().equals(actual)) {
        throw new DamagedException(
            "its state.json has the checksum %s instead of %s"
                .formatted(actual, expected == null ? "one" : expected.asText()));
      }
      Manifest manifest = JSON.treeToValue(object, Manifest.class);
      String gaps = manifest.gaps();
      if (!gaps.isEmpty()) {
        throw new DamagedException(gaps);
      }
      return manifest;
    } catch (JsonProcessingException e) {
      throw new DamagedException(
          "its state.json is not whole (%s)".formatted(e.getOriginalMessage()));
    }
  }

  private static void requireVersion(String where, ObjectNode object) throws DamagedException {
    JsonNode version = object.get(VERSION);
    if (version == null || !version.isInt()) {
      throw new DamagedException("its state.json names no format_version");
    }
    if (version.intValue() > Manifest.FORMAT_VERSION) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The checkpoint %s has version %d, this sparktune reads version %d."
              .formatted(where, version.intValue(), Manifest.FORMAT_VERSION),
          "Use a newer sparktune.");
    }
    if (version.intValue() < Manifest.FORMAT_VERSION) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The checkpoint %s has version %d, this sparktune reads version %d."
              .formatted(where, version.intValue(), Manifest.FORMAT_VERSION),
          "Finish the run with the sparktune that began it, or choose another output folder.");
    }
  }

  private static String checksum(ObjectNode node) throws JsonProcessingException {
    CRC32C crc = new CRC32C();
    crc.update(JSON.writeValueAsString(node).getBytes(StandardCharsets.UTF_8));
    return Checksums.text(crc);
  }
}
