package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads the {@code post_processor} of a {@code tokenizer.json}. */
final class PostProcessorReader {
  private final ComponentReader fields;
  private final List<Integer> prefix = new ArrayList<>();
  private final List<Integer> suffix = new ArrayList<>();
  private boolean trimOffsets;

  PostProcessorReader(ComponentReader fields) {
    this.fields = fields;
  }

  void read(JsonNode component) {
    for (JsonNode processor : fields.flatten(component, "processors")) {
      String type = fields.type(processor);
      switch (type) {
        case "ByteLevel" -> trimOffsets |= fields.flag(processor, "trim_offsets", true);
        case "TemplateProcessing" -> readTemplate(processor);
        default -> throw fields.unsupported("post-processor", type);
      }
    }
  }

  int[] prefix() {
    return toArray(prefix);
  }

  int[] suffix() {
    return toArray(suffix);
  }

  boolean trimOffsets() {
    return trimOffsets;
  }

  private void readTemplate(JsonNode template) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean seen = false;
    for (JsonNode part : fields.required(template, "single")) {
      if (part.has("Sequence")) {
        seen = true;
      } else if (part.has("SpecialToken")) {
        String name = fields.text(part.get("SpecialToken"), "id");
        JsonNode special = fields.required(fields.required(template, "special_tokens"), name);
        for (JsonNode id : fields.required(special, "ids")) {
          (seen ? after : before).add(id.intValue());
        }
      } else {
        throw fields.malformed("its template has a part that is neither text nor special token");
      }
    }
    prefix.addAll(0, before);
    suffix.addAll(after);
  }

  private static int[] toArray(List<Integer> ids) {
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }
}
