package org.sparktune.trainer.collective.aeron;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.aeron.RankProcesses.Placement;

/**
 * All-reduces between two network namespaces, for cables that lose and delay packets. Arguments:
 * the first namespace and its address, the second and its, elements of a bucket, steps. Every sum
 * is checked; prints the time of a step.
 */
final class CableTrial {
  private CableTrial() {}

  /** Entry point. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    List<Placement> placements = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      placements.add(
          new Placement(
              List.of("ip", "netns", "exec", arguments[2 * rank]), arguments[2 * rank + 1]));
    }
    int steps = Integer.parseInt(arguments[5]);
    try (RankProcesses ranks =
        RankProcesses.start(placements, List.of("-Dmedium=UDP"), List.of("steps", arguments[4]))) {
      ranks.await(0, "STEP 0");
      long start = System.nanoTime();
      ranks.await(0, "STEP " + steps, Duration.ofMinutes(3));
      double seconds = (System.nanoTime() - start) / 1e9;
      ranks.tell(0, "stop");
      List<String> others = new ArrayList<>();
      for (int rank = 0; rank < 2; rank++) {
        ranks.drain(
            rank,
            line -> {
              if (!line.startsWith("STEP") && !line.equals("CONNECTED")) {
                others.add(line);
              }
            },
            Duration.ofMinutes(2));
      }
      System.out.printf("%.0f ms a step, the ranks end with %s%n", seconds / steps * 1e3, others);
    }
  }
}
