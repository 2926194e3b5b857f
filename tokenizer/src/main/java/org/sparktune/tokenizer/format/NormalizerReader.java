package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.tokenizer.text.Normalizer;
import org.sparktune.tokenizer.text.NormalizerChain;
import org.sparktune.tokenizer.text.Normalizers;

/** Reads the {@code normalizer} of a {@code tokenizer.json}. */
final class NormalizerReader {
  private final ComponentReader fields;

  NormalizerReader(ComponentReader fields) {
    this.fields = fields;
  }

  NormalizerChain read(JsonNode component) {
    List<Normalizer> chain = new ArrayList<>();
    for (JsonNode normalizer : fields.flatten(component, "normalizers")) {
      chain.add(readOne(normalizer));
    }
    return chain.isEmpty() ? NormalizerChain.NONE : new NormalizerChain(chain);
  }

  private Normalizer readOne(JsonNode normalizer) {
    String type = fields.type(normalizer);
    return switch (type) {
      case "NFC" -> Normalizers.unicode(Form.NFC);
      case "NFD" -> Normalizers.unicode(Form.NFD);
      case "NFKC" -> Normalizers.unicode(Form.NFKC);
      case "NFKD" -> Normalizers.unicode(Form.NFKD);
      case "Lowercase" -> Normalizers.lowercase();
      case "Prepend" -> Normalizers.prepend(fields.text(normalizer, "prepend"));
      case "Replace" -> readReplace(normalizer);
      default -> throw fields.unsupported("normalizer", type);
    };
  }

  private Normalizer readReplace(JsonNode normalizer) {
    String content = fields.text(normalizer, "content");
    JsonNode pattern = fields.required(normalizer, "pattern");
    return pattern.has("String")
        ? Normalizers.replace(fields.text(pattern, "String"), content)
        : Normalizers.replace(fields.pattern(normalizer), content);
  }
}
