package org.sparktune.jobs.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Generator;
import org.sparktune.trainer.model.SamplingOptions;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/**
 * Passes everything on, and generates from the sample prompts when the loop says that it is time.
 */
final class SamplingListener implements TrainingListener {
  private static final int NEW_TOKENS = 64;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TrainingListener next;
  private final Decoder decoder;
  private final Prompts prompts;
  private final List<String> texts;
  private final Path file;

  SamplingListener(
      TrainingListener next, Decoder decoder, Prompts prompts, List<String> texts, Path file) {
    this.next = next;
    this.decoder = decoder;
    this.prompts = prompts;
    this.texts = texts;
    this.file = file;
  }

  @Override
  public void sample(long step) {
    if (texts.isEmpty()) {
      return;
    }
    List<int[]> encoded = new ArrayList<>();
    for (String text : texts) {
      encoded.add(prompts.encode(text));
    }
    List<Generator.Continuation> continuations =
        new Generator(decoder)
            .generate(
                encoded,
                SamplingOptions.greedy(NEW_TOKENS),
                prompts.stopIds(),
                (sequence, token) -> {});
    Tokenizer tokenizer = prompts.tokenizer();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < texts.size(); i++) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step);
      line.put("prompt", texts.get(i));
      line.put("text", tokenizer.decode(continuations.get(i).tokens(), true));
      lines.append(json(line)).append('\n');
    }
    try {
      Files.writeString(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    next.sample(step);
  }

  private static String json(Map<String, Object> line) {
    try {
      return JSON.writeValueAsString(line);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Text and numbers are always JSON", e);
    }
  }

  @Override
  public void started(TrainingPlan plan) {
    next.started(plan);
  }

  @Override
  public void stepped(StepMetrics metrics) {
    next.stepped(metrics);
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    next.evaluated(metrics);
  }

  @Override
  public void checkpointed(long step, String location) {
    next.checkpointed(step, location);
  }

  @Override
  public void finished(TrainingResult result) {
    next.finished(result);
  }
}
