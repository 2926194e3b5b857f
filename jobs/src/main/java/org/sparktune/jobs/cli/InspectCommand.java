package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.inspect.DatasetInspector;
import org.sparktune.jobs.inspect.Inspection;
import org.sparktune.jobs.inspect.Inspector;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a file or folder is. */
@Command(
    name = "inspect",
    description = {
      "Show what a model (GGUF, safetensors, Hugging Face folder), an adapter, a student, a dataset,",
      "a checkpoint or a folder of checkpoints says about itself, here or at a URI such as",
      "hdfs://…; FOLDER@v3 is a version of a dataset, FOLDER lists them"
    })
final class InspectCommand extends BaseCommand {
  private static final int MAX_VALUE = 100;

  @Parameters(paramLabel = "PATH", description = "The file or folder.")
  private String path;

  @Option(names = "--json", description = "Print everything as JSON.")
  private boolean json;

  @Option(
      names = "--records",
      paramLabel = "N",
      description = "Of a dataset: show its first N records with their text too.")
  private int records;

  @Option(
      names = "--tokenizer",
      paramLabel = "PATH",
      description = "With --records: the tokenizer, if it is not where it was.")
  private String tokenizer;

  InspectCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    if (records < 0) {
      throw new SparktuneException(
          ErrorCode.USAGE, "--records is %d.".formatted(records), "Give 0 or more.");
    }
    String location = console().location(path);
    Inspection inspection = Inspector.inspect(location);
    List<Map<String, Object>> shown =
        records == 0 ? List.of() : DatasetInspector.records(location, records, tokenizerPath());
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("path", inspection.path());
      result.put("kind", inspection.kind());
      result.put("parameters", inspection.parameters());
      result.put("facts", inspection.facts());
      result.put("tensors", inspection.tensors());
      if (records > 0) {
        result.put("records", shown);
      }
      printJson(result);
      return;
    }
    PrintStream out = console().out();
    out.printf("%s: %s%n", inspection.path(), inspection.kind());
    inspection
        .facts()
        .forEach(
            (name, value) -> {
              if (name.equals("versions") && value instanceof List<?> versions) {
                // One line each, whole: this is where people look which to pin.
                versions.forEach(version -> out.printf("  %-40s %s%n", name, version));
              } else {
                out.printf("  %-40s %s%n", name, shortened(value));
              }
            });
    if (!inspection.tensors().isEmpty()) {
      out.printf("%,d tensors, %,d values%n", inspection.tensors().size(), inspection.parameters());
      for (Inspection.TensorFacts tensor : inspection.tensors()) {
        out.printf(
            "  %-60s %-6s %s%n", tensor.name(), tensor.type(), Arrays.toString(tensor.shape()));
      }
    }
    shown.forEach(record -> print(out, record));
  }

  private Path tokenizerPath() {
    return tokenizer == null
        ? null
        : LocalCopies.ofProcess()
            .withoutWeights(console().location(tokenizer), HadoopSettings.here());
  }

  private static void print(PrintStream out, Map<String, Object> record) {
    out.println();
    record.forEach((name, value) -> out.printf("%s: %s%n", name, value));
  }

  private static String shortened(Object value) {
    String text = String.valueOf(value).replace("\n", "\\n");
    return text.length() <= MAX_VALUE ? text : text.substring(0, MAX_VALUE) + " …";
  }
}
