package org.sparktune.pipeline.spec;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/** Reads the group {@code mix} of a dataset. */
final class MixReader {
  private MixReader() {}

  /**
   * @param sources whose names may be used
   */
  static MixOptions read(MappingReader dataset, List<Source> sources) {
    if (!dataset.has("mix")) {
      return MixOptions.NONE;
    }
    if (dataset.has("pairs")) {
      dataset.problem(
          "mix",
          "'mix' together with 'pairs' is not supported.",
          "Remove it; 'balance: [source]' under 'pairs' makes about as many pairs of every source.");
    }
    MappingReader reader = dataset.mappingOrEmpty("mix");
    MixOptions options =
        new MixOptions(
            reader.decimal("temperature", 1, Range.POSITIVE),
            reader.decimals("weights"),
            reader.integers("caps"));
    Set<String> names = new LinkedHashSet<>();
    sources.forEach(source -> names.add(source.name()));
    check(reader, "weights", options.weights(), names);
    check(reader, "caps", options.caps(), names);
    reader.finish();
    return options;
  }

  private static void check(
      MappingReader reader, String key, Map<String, ?> values, Set<String> names) {
    for (String name : values.keySet()) {
      if (!names.contains(name)) {
        reader.problem(
            key,
            "'%s' names '%s', which is no source.".formatted(key, name),
            NearestWord.hint(name, names));
      }
    }
  }
}
