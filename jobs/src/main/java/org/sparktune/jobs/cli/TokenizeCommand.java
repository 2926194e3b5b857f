package org.sparktune.jobs.cli;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.sparktune.core.AtomicFile;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.InputGuard;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Text lines to lines of token ids. */
@Command(
    name = "tokenize",
    description = {
      "Turn text into token ids: one line in, one line of space-separated ids out.",
      "A line ends at a line feed and nothing else; bytes that are not UTF-8 become U+FFFD."
    })
final class TokenizeCommand extends BaseCommand {
  private static final int BATCH_BYTES = 4 << 20;

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "PATH",
      description = "A tokenizer.json, tokenizer.model, GGUF file, or a folder with one.")
  private String tokenizerPath;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "FILE",
      description = "The text; '-' is standard input.")
  private String input;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Where the ids go; standard output when it is left out.")
  private String output;

  @Option(
      names = "--add-special",
      description = "Add the special tokens that the tokenizer adds to a text, such as BOS.")
  private boolean addSpecial;

  TokenizeCommand(Console console) {
    super(console);
  }

  @Override
  void run() throws IOException {
    Tokenizer tokenizer = Tokenizers.load(console().resolve(tokenizerPath));
    try (InputStream in = open()) {
      if (output == null || output.equals("-")) {
        OutputStream out = new BufferedOutputStream(console().out(), 1 << 16);
        encode(tokenizer, in, out);
        out.flush();
      } else {
        Path file = console().resolve(output);
        InputGuard.requireApart(file, console().resolve(tokenizerPath));
        if (!input.equals("-")) {
          InputGuard.requireApart(file, console().resolve(input));
        }
        encodeToFile(tokenizer, in, file);
      }
    }
  }

  private InputStream open() throws IOException {
    if (input.equals("-")) {
      return new BufferedInputStream(System.in, 1 << 16);
    }
    Path file = console().resolve(input);
    if (!Files.isRegularFile(file)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "The input %s is not a file.".formatted(file), "");
    }
    return new BufferedInputStream(Files.newInputStream(file), 1 << 16);
  }

  private void encodeToFile(Tokenizer tokenizer, InputStream in, Path file) throws IOException {
    AtomicFile.write(
        file,
        temporary -> {
          try (OutputStream out =
              new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16)) {
            encode(tokenizer, in, out);
          }
        });
  }

  private void encode(Tokenizer tokenizer, InputStream in, OutputStream out) throws IOException {
    List<String> batch = new ArrayList<>();
    int batchBytes = 0;
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    byte[] buffer = new byte[1 << 16];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      int start = 0;
      for (int i = 0; i < n; i++) {
        if (buffer[i] == '\n') {
          line.write(buffer, start, i - start);
          batchBytes += line.size() + 1;
          batch.add(line.toString(StandardCharsets.UTF_8));
          line.reset();
          start = i + 1;
        }
      }
      line.write(buffer, start, n - start);
      if (batchBytes >= BATCH_BYTES) {
        write(tokenizer, batch, out);
        batch.clear();
        batchBytes = 0;
      }
    }
    if (line.size() > 0) {
      batch.add(line.toString(StandardCharsets.UTF_8));
    }
    write(tokenizer, batch, out);
  }

  private void write(Tokenizer tokenizer, List<String> lines, OutputStream out) throws IOException {
    byte[][] encoded = new byte[lines.size()][];
    IntStream.range(0, lines.size())
        .parallel()
        .forEach(i -> encoded[i] = idsAsText(tokenizer.encode(lines.get(i), addSpecial)));
    for (byte[] ids : encoded) {
      out.write(ids);
    }
  }

  private static byte[] idsAsText(int[] ids) {
    StringBuilder text = new StringBuilder(ids.length * 6 + 1);
    for (int i = 0; i < ids.length; i++) {
      if (i > 0) {
        text.append(' ');
      }
      text.append(ids[i]);
    }
    return text.append('\n').toString().getBytes(StandardCharsets.US_ASCII);
  }
}
