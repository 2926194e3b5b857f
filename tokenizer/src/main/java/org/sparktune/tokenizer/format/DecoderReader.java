package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.tokenizer.decode.DecoderSettings;
import org.sparktune.tokenizer.decode.DecoderSettings.Replacement;
import org.sparktune.tokenizer.text.SpacePrefix.Scheme;

/** Reads the {@code decoder} of a {@code tokenizer.json}. */
final class DecoderReader {
  private final ComponentReader fields;
  private final List<Replacement> replacements = new ArrayList<>();
  private boolean byteLevel;
  private boolean byteFallback;
  private boolean fused;
  private int stripLeft;
  private boolean firstTokenLosesSpaces;

  DecoderReader(ComponentReader fields) {
    this.fields = fields;
  }

  DecoderSettings read(JsonNode component) {
    List<JsonNode> decoders = fields.flatten(component, "decoders");
    for (JsonNode decoder : decoders) {
      readOne(decoder);
    }
    byte[] separator = decoders.isEmpty() ? new byte[] {' '} : new byte[0];
    return new DecoderSettings(
        byteLevel, byteFallback, replacements, stripLeft, firstTokenLosesSpaces, separator);
  }

  private void readOne(JsonNode decoder) {
    String type = fields.type(decoder);
    switch (type) {
      case "ByteLevel" -> byteLevel = true;
      case "ByteFallback" -> byteFallback = true;
      case "Fuse" -> fused = true;
      case "Replace" -> {
        JsonNode pattern = fields.required(decoder, "pattern");
        replacements.add(
            new Replacement(fields.text(pattern, "String"), fields.text(decoder, "content")));
      }
      case "Metaspace" -> {
        replacements.add(new Replacement(fields.text(decoder, "replacement"), " "));
        firstTokenLosesSpaces = PreTokenizerReader.metaspaceScheme(fields, decoder) != Scheme.NEVER;
      }
      case "Strip" -> {
        boolean plain = fields.text(decoder, "content").equals(" ") && fused;
        if (!plain || fields.number(decoder, "stop") != 0) {
          throw fields.unsupported("decoder", "Strip of anything but leading spaces after Fuse");
        }
        stripLeft = fields.number(decoder, "start");
      }
      default -> throw fields.unsupported("decoder", type);
    }
  }
}
