package org.sparktune.jobs.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.sparktune.core.ErrorCode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The root of the command line, and how failures are shown. */
@Command(
    name = "sparktune",
    description = {
      "Fine-tunes large language models on the JVM: Spark prepares the data and hosts the training.",
      ""
    },
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "A first run, from raw JSONL to an adapter:",
      "  sparktune run conf/quickstart.yaml",
      "  sparktune generate --model conf/quickstart/base.gguf \\",
      "      --adapter runs/quickstart/assistant/adapter --chat --prompt \"Hello\"",
      "",
      "Change any value of a specification:  --set hyperparams.max_steps=20",
      "See what a run would do and cost:     sparktune run SPEC --dry-run",
      "Help for one command:                 sparktune run --help",
      "",
      "On a cluster, set SPARK_HOME and add --master yarn --conf KEY=VALUE to run,",
      "train or prepare; they go to spark-submit. SPARKTUNE_HEAP sets the",
      "heap, SPARKTUNE_JAVA_OPTS any other option of the JVM.",
      "",
      "Exit status: 0 done, 2 wrong command line, 3 wrong specification, 4 bad file,",
      "5 inputs that do not fit together, 6 unusable data, 7 not supported, 8 too",
      "little memory or disk, 9 diverged, 10 output in the way, 11 stopped (run again",
      "to resume), 70 a defect; 130 and 143 stopped by Ctrl-C and SIGTERM (likewise)."
    })
public final class SparktuneCommand implements Runnable {
  @Spec private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // picocli reads it
  @Mixin
  private CommonOptions common;

  @Option(names = "--version", description = "Show the version.")
  private boolean version;

  private final Console console;

  private SparktuneCommand(Console console) {
    this.console = console;
  }

  /**
   * Runs a command line.
   *
   * @return the exit status
   */
  public static int execute(Console console, String... arguments) {
    CommandLine line = new CommandLine(new SparktuneCommand(console));
    addCommands(line, console);
    line.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(console.interactive() ? Ansi.AUTO : Ansi.OFF));
    line.setUsageHelpAutoWidth(console.interactive());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler((exception, given) -> showUsage(console, exception));
    line.setExecutionExceptionHandler(
        (exception, command, parsed) -> showFailure(console, exception, isVerbose(parsed)));
    try {
      return line.execute(arguments);
    } catch (Error e) {
      // picocli hands exceptions to the handler above, but not errors such as OutOfMemoryError.
      return showFailure(console, e, isVerbose(line.getParseResult()));
    } finally {
      GracefulStop.release();
    }
  }

  private static void addCommands(CommandLine line, Console console) {
    line.addSubcommand(new RunCommand(console));
    line.addSubcommand(new ValidateCommand(console));
    line.addSubcommand(new PrepareCommand(console));
    line.addSubcommand(new TrainCommand(console));
    line.addSubcommand(new EvaluateCommand(console));
    line.addSubcommand(new GenerateCommand(console));
    line.addSubcommand(new ServeCommand(console));
    line.addSubcommand(new TokenizeCommand(console));
    line.addSubcommand(new InspectCommand(console));
    line.addSubcommand(new ExportCommand(console));
    line.addSubcommand(new DoctorCommand(console));
    line.addSubcommand(new QuickstartSeedCommand(console));
  }

  @Override
  public void run() {
    if (version) {
      console.out().println("sparktune " + BuildInfo.version());
    } else {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  private static int showUsage(Console console, ParameterException exception) {
    String command = exception.getCommandLine().getCommandSpec().qualifiedName();
    console.err().printf("sparktune: %s%n", sentence(exception.getMessage()));
    String nearest = suggestion(exception);
    if (!nearest.isEmpty()) {
      console.err().println(nearest);
    }
    console.err().printf("Try '%s --help'.%n", command);
    return ErrorCode.USAGE.exitStatus();
  }

  private static String suggestion(ParameterException exception) {
    if (exception instanceof CommandLine.UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      return "Did you mean '%s'?".formatted(unmatched.getSuggestions().get(0));
    }
    return "";
  }

  private static int showFailure(Console console, Throwable thrown, boolean verbose) {
    Failure failure = Failure.of(thrown);
    console.err().println("sparktune: " + failure.sentence());
    if (verbose) {
      thrown.printStackTrace(console.err());
    }
    return failure.code().exitStatus();
  }

  private static boolean isVerbose(ParseResult parsed) {
    for (ParseResult level = parsed;
        level != null;
        level = level.hasSubcommand() ? level.subcommand() : null) {
      if (level.hasMatchedOption("--verbose")) {
        return true;
      }
    }
    return false;
  }

  private static String sentence(String message) {
    return message.endsWith(".") ? message : message + ".";
  }
}
