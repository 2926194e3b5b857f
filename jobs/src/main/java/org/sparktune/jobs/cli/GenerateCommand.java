package org.sparktune.jobs.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.jobs.training.Prompts;
import org.sparktune.tokenizer.StreamingDecoder;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.Generator;
import org.sparktune.trainer.model.SamplingOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Continues a prompt. */
@Command(
    name = "generate",
    description = "Continue a prompt, with or without an adapter; the text appears as it is made.")
final class GenerateCommand extends BaseCommand {
  @Mixin private ModelOptions modelOptions;

  @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "The prompt.")
  private String prompt;

  @Option(
      names = "--chat",
      description = "The prompt is a user's turn: apply the model's chat template.")
  private boolean chat;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "With --chat, the system's turn.")
  private String system;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "At most so many tokens (default ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0 (default) always takes the likeliest token; higher varies more.")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Choose among the K likeliest tokens only; 0 for all.")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Choose among the likeliest tokens whose probabilities sum to P.")
  private double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      defaultValue = "0",
      description = "Leave out tokens less likely than P times the likeliest.")
  private double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      defaultValue = "1",
      description = "Above 1 makes repeated tokens less likely.")
  private double repetitionPenalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "The same seed gives the same text.")
  private long seed;

  @Option(
      names = "--ignore-eos",
      description = "Go on after an end-of-sequence or end-of-turn token.")
  private boolean ignoreEos;

  @Option(names = "--json", description = "Print prompt, text and tokens as JSON at the end.")
  private boolean json;

  GenerateCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    SamplingOptions sampling =
        new SamplingOptions(maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, seed);
    try (LoadedDecoder model = modelOptions.load(console(), BatchSize.ofTokens(maxNewTokens))) {
      Tokenizer tokenizer = model.tokenizer();
      Prompts prompts =
          chat
              ? Prompts.chat(modelOptions.modelPath(console()), tokenizer)
              : Prompts.plain(tokenizer);
      int[] ids = prompts.encode(prompt, system);
      StreamingDecoder stream = tokenizer.streamingDecoder(true);
      // The text goes on where the prompt ends: a tokenizer may drop the space before a first word,
      // but this is no first word.
      for (int id : ids) {
        stream.next(id);
      }
      StringBuilder text = new StringBuilder();
      Set<Integer> stopIds = ignoreEos ? Set.of() : prompts.stopIds();
      Generator.Continuation continuation =
          new Generator(model.decoder())
              .generate(
                  List.of(ids),
                  sampling,
                  stopIds,
                  (sequence, token) -> show(stream.next(token), text))
              .get(0);
      show(stream.finish(), text);
      if (json) {
        printJson(result(text.toString(), ids, continuation));
      } else {
        console().out().println();
      }
    }
  }

  private void show(String piece, StringBuilder text) {
    text.append(piece);
    if (!json && !piece.isEmpty()) {
      console().out().print(piece);
      console().out().flush();
    }
  }

  private Map<String, Object> result(
      String text, int[] promptTokens, Generator.Continuation continuation) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("prompt", prompt);
    result.put("text", text);
    result.put("tokens", continuation.tokens());
    result.put("prompt_tokens", promptTokens);
    result.put("finish_reason", continuation.stopped() ? "stop" : "length");
    return result;
  }
}
