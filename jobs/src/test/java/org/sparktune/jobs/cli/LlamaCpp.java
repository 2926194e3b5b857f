package org.sparktune.jobs.cli;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.args.LogFormat;
import de.kherud.llama.args.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Greedy text from llama.cpp. It runs in a process of its own: its native library keeps a JVM that
 * used it from ending, and a crash in it must not take the tests along.
 */
final class LlamaCpp {
  private static final long TIMEOUT_SECONDS = 120;

  private LlamaCpp() {}

  /**
   * Continues a prompt greedily.
   *
   * @param model a GGUF model
   * @param adapter a GGUF LoRA adapter, or null
   * @param prompt the text to continue
   * @param tokens how many tokens to generate
   * @param folder where the result and the log may be written
   */
  static String complete(Path model, Path adapter, String prompt, int tokens, Path folder)
      throws IOException, InterruptedException {
    Path result = folder.resolve("llama.txt");
    Path log = folder.resolve("llama.log");
    Files.deleteIfExists(result);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), LlamaCpp.class.getName()));
    command.addAll(
        List.of(
            model.toString(),
            adapter == null ? "" : adapter.toString(),
            prompt,
            Integer.toString(tokens),
            result.toString()));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException(
          "llama.cpp took more than " + TIMEOUT_SECONDS + " s: " + Files.readString(log));
    }
    if (process.exitValue() != 0) {
      throw new IOException("llama.cpp failed: " + Files.readString(log));
    }
    return Files.readString(result);
  }

  /** The child process: model, adapter or an empty string, prompt, tokens, result file. */
  public static void main(String[] arguments) throws IOException {
    LlamaModel.setLogger(LogFormat.TEXT, (level, message) -> {});
    ModelParameters parameters =
        new ModelParameters()
            .setModel(arguments[0])
            .setCtxSize(512)
            .setThreads(1)
            .setThreadsBatch(1)
            .disableLog();
    if (!arguments[1].isEmpty()) {
      parameters.addLoraAdapter(arguments[1]);
    }
    LlamaModel model = new LlamaModel(parameters);
    InferenceParameters inference =
        new InferenceParameters(arguments[2])
            .setTemperature(0f)
            .setRepeatPenalty(1f)
            .setSamplers(Sampler.TEMPERATURE)
            .setNPredict(Integer.parseInt(arguments[3]));
    Files.writeString(Path.of(arguments[4]), model.complete(inference));
    Runtime.getRuntime().halt(0);
  }
}
