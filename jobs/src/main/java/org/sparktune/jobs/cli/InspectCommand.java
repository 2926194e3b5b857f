package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.jobs.inspect.Inspection;
import org.sparktune.jobs.inspect.Inspector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a file or folder is. */
@Command(
    name = "inspect",
    description = {
      "Show what a model (GGUF, safetensors, Hugging Face folder), an adapter, a dataset, a",
      "checkpoint or a folder of checkpoints (also as a URI, such as hdfs://…) says about itself."
    })
final class InspectCommand extends BaseCommand {
  private static final int MAX_VALUE = 100;

  @Parameters(paramLabel = "PATH", description = "The file or folder.")
  private String path;

  @Option(names = "--json", description = "Print everything as JSON.")
  private boolean json;

  InspectCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    Inspection inspection =
        Inspector.inspect(path.contains("://") ? path : console().resolve(path).toString());
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("path", inspection.path());
      result.put("kind", inspection.kind());
      result.put("parameters", inspection.parameters());
      result.put("facts", inspection.facts());
      result.put("tensors", inspection.tensors());
      printJson(result);
      return;
    }
    PrintStream out = console().out();
    out.printf("%s: %s%n", inspection.path(), inspection.kind());
    inspection.facts().forEach((name, value) -> out.printf("  %-40s %s%n", name, shortened(value)));
    if (!inspection.tensors().isEmpty()) {
      out.printf("%,d tensors, %,d values%n", inspection.tensors().size(), inspection.parameters());
      for (Inspection.TensorFacts tensor : inspection.tensors()) {
        out.printf(
            "  %-60s %-6s %s%n", tensor.name(), tensor.type(), Arrays.toString(tensor.shape()));
      }
    }
  }

  private static String shortened(Object value) {
    String text = String.valueOf(value).replace("\n", "\\n");
    return text.length() <= MAX_VALUE ? text : text.substring(0, MAX_VALUE) + " …";
  }
}
