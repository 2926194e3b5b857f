package org.sparktune.jobs.serve;

import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Counts values between borders, as Prometheus reads them. Safe for use by many threads. */
final class Histogram {
  private final String name;
  private final String help;
  private final double[] borders;
  private final LongAdder[] counts;
  private final DoubleAdder sum = new DoubleAdder();

  /**
   * @param borders ascending; values above the last have a place of their own
   */
  Histogram(String name, String help, double... borders) {
    this.name = name;
    this.help = help;
    this.borders = borders.clone();
    this.counts = new LongAdder[borders.length + 1];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  void observe(double value) {
    int place = 0;
    while (place < borders.length && value > borders[place]) {
      place++;
    }
    counts[place].increment();
    sum.add(value);
  }

  void write(StringBuilder out) {
    out.append("# HELP %s %s\n# TYPE %s histogram\n".formatted(name, help, name));
    long total = 0;
    for (int i = 0; i < counts.length; i++) {
      total += counts[i].sum();
      String border = i < borders.length ? Double.toString(borders[i]) : "+Inf";
      out.append("%s_bucket{le=\"%s\"} %d\n".formatted(name, border, total));
    }
    out.append("%s_sum %s\n%s_count %d\n".formatted(name, sum.sum(), name, total));
  }
}
