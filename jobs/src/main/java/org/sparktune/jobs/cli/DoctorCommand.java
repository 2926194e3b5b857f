package org.sparktune.jobs.cli;

import java.util.List;
import java.util.Locale;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.doctor.Doctor;
import org.sparktune.jobs.doctor.Finding;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Says whether this machine can train, and how well. */
@Command(
    name = "doctor",
    description = "Check this machine: Java, processor, memory, native libraries, GPU, Spark.")
final class DoctorCommand extends BaseCommand {
  @Option(names = "--json", description = "Print the findings as JSON.")
  private boolean json;

  DoctorCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    List<Finding> findings = Doctor.examine();
    if (json) {
      printIndentedJson(findings);
    } else {
      for (Finding finding : findings) {
        console()
            .out()
            .printf(
                "%-8s %-11s %s%n",
                finding.status().name().toLowerCase(Locale.ROOT), finding.name(), finding.value());
        if (!finding.hint().isEmpty()) {
          console().out().printf("%20s %s%n", "", finding.hint());
        }
      }
    }
    List<String> failed =
        findings.stream()
            .filter(finding -> finding.status() == Finding.Status.FAILED)
            .map(Finding::name)
            .toList();
    if (!failed.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "This machine cannot train: %s.".formatted(String.join(", ", failed)),
          "See the hints above.");
    }
  }
}
