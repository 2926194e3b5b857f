package org.sparktune.tokenizer.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.gguf.GgufFile;

/** Finds the chat template of a model. */
public final class ChatTemplates {
  /** The built-in template that writes Alpaca's prompt; see {@code alpaca.jinja}. */
  public static final String ALPACA = "alpaca";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> SPECIAL_TOKENS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private ChatTemplates() {}

  /**
   * The model's own template: {@code chat_template.jinja}, or {@code chat_template} of {@code
   * tokenizer_config.json} (one, or several of which {@code default} and {@code tool_use} count),
   * or {@code tokenizer.chat_template} of a GGUF file.
   *
   * @param model a model or tokenizer folder, a file in one, or a GGUF file
   * @param tokenizer the model's tokenizer
   * @return nothing if the model has no template
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when there is one that cannot be read
   */
  public static Optional<ChatTemplate> ofModel(Path model, Tokenizer tokenizer) {
    if (isGguf(model)) {
      Map<String, String> specialTokens = specialTokens(JSON.createObjectNode(), tokenizer);
      return GgufFile.read(model)
          .metadata()
          .optionalText("tokenizer.chat_template")
          .map(source -> ChatTemplate.parse(model.toString(), source, source, specialTokens));
    }
    Path folder = Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
    JsonNode config = config(folder.resolve("tokenizer_config.json"));
    Map<String, String> specialTokens = specialTokens(config, tokenizer);
    Path jinja = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(jinja)) {
      String source = read(jinja);
      return Optional.of(ChatTemplate.parse(jinja.toString(), source, source, specialTokens));
    }
    return ofConfig(config.path("chat_template"), folder, specialTokens);
  }

  /**
   * A template from a file of Jinja.
   *
   * @param file the file
   * @param model the model whose special tokens it may use
   * @param tokenizer the model's tokenizer
   */
  public static ChatTemplate ofFile(Path file, Path model, Tokenizer tokenizer) {
    String source = read(file);
    return ChatTemplate.parse(file.toString(), source, source, specialTokensOf(model, tokenizer));
  }

  /**
   * A template that comes with sparktune.
   *
   * @param name {@link #ALPACA}
   * @return nothing if there is none of this name
   */
  public static Optional<ChatTemplate> builtIn(String name, Path model, Tokenizer tokenizer) {
    if (!name.equals(ALPACA)) {
      return Optional.empty();
    }
    try (InputStream in = ChatTemplates.class.getResourceAsStream(name + ".jinja")) {
      String source = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Optional.of(
          ChatTemplate.parse(name, source, source, specialTokensOf(model, tokenizer)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isGguf(Path model) {
    if (!Files.isRegularFile(model)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(model)) {
      return Arrays.equals(in.readNBytes(4), new byte[] {'G', 'G', 'U', 'F'});
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, model + " cannot be read (" + e.getMessage() + ").", "", e);
    }
  }

  private static Map<String, String> specialTokensOf(Path model, Tokenizer tokenizer) {
    if (isGguf(model)) {
      return specialTokens(JSON.createObjectNode(), tokenizer);
    }
    Path folder = Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
    return specialTokens(config(folder.resolve("tokenizer_config.json")), tokenizer);
  }

  private static Optional<ChatTemplate> ofConfig(
      JsonNode given, Path folder, Map<String, String> specialTokens) {
    if (given.isTextual()) {
      String source = given.asText();
      return Optional.of(ChatTemplate.parse(folder.toString(), source, source, specialTokens));
    }
    String source = null;
    String toolSource = null;
    for (JsonNode entry : given) {
      String name = entry.path("name").asText();
      if (name.equals("default")) {
        source = entry.path("template").asText();
      } else if (name.equals("tool_use")) {
        toolSource = entry.path("template").asText();
      }
    }
    if (source == null) {
      return Optional.empty();
    }
    return Optional.of(
        ChatTemplate.parse(
            folder.toString(), source, toolSource == null ? source : toolSource, specialTokens));
  }

  private static Map<String, String> specialTokens(JsonNode config, Tokenizer tokenizer) {
    Map<String, String> tokens = new TreeMap<>();
    tokenizer.bosId().ifPresent(id -> tokens.put("bos_token", tokenizer.token(id)));
    tokenizer.eosId().ifPresent(id -> tokens.put("eos_token", tokenizer.token(id)));
    tokenizer.padId().ifPresent(id -> tokens.put("pad_token", tokenizer.token(id)));
    for (String name : SPECIAL_TOKENS) {
      JsonNode value = config.path(name);
      String text = value.isObject() ? value.path("content").asText(null) : value.asText(null);
      if (text != null && !value.isNull()) {
        tokens.put(name, text);
      }
    }
    return tokens;
  }

  private static JsonNode config(Path file) {
    if (!Files.isRegularFile(file)) {
      return JSON.createObjectNode();
    }
    try {
      return JSON.readTree(read(file));
    } catch (JsonProcessingException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          file + " is not JSON: " + e.getOriginalMessage() + ".",
          "Copy the model's file again.",
          e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          file + " cannot be read as UTF-8 text (" + e.getMessage() + ").",
          "Check that the file exists and is a Jinja or JSON file.",
          e);
    }
  }
}
