package org.sparktune.jobs.cli;

import java.io.IOException;
import org.sparktune.jobs.quickstart.BaseModelSeed;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the quickstart's base model is trained from. */
@Command(
    name = "quickstart-seed",
    hidden = true,
    description =
        "Write the text, the tokenizer and the untrained model that the quickstart's base model is trained from.")
final class QuickstartSeedCommand extends BaseCommand {
  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "The folder to write.")
  private String output;

  QuickstartSeedCommand(Console console) {
    super(console);
  }

  @Override
  void run() throws IOException {
    BaseModelSeed.write(console().resolve(output));
  }
}
