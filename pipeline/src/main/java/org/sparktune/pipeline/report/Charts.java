package org.sparktune.pipeline.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Bars, as SVG that needs nothing from elsewhere. */
final class Charts {
  private static final int WIDTH = 640;
  private static final int HEIGHT = 170;
  private static final int LEFT = 56;
  private static final int BOTTOM = 24;
  private static final int TOP = 10;
  private static final int ROW = 22;
  private static final int LABEL = 240;
  private static final int MOST_ROWS = 20;
  private static final int TICKS = 5;

  private Charts() {}

  /**
   * Columns of a histogram.
   *
   * @param unit what the numbers are, for the tooltips
   */
  static String histogram(Histogram histogram, String unit) {
    int first = histogram.first();
    int last = histogram.last();
    int bins = last - first + 1;
    long highest = 1;
    for (int bin = first; bin <= last; bin++) {
      highest = Math.max(highest, histogram.count(bin));
    }
    double step = (WIDTH - LEFT) / (double) bins;
    double scale = (HEIGHT - TOP - BOTTOM) / (double) highest;
    StringBuilder svg = open(WIDTH, HEIGHT);
    int base = HEIGHT - BOTTOM;
    svg.append(line(LEFT, TOP, WIDTH, TOP)).append(line(LEFT, base, WIDTH, base));
    svg.append(text(LEFT - 6, TOP + 4, "end", number(highest)));
    svg.append(text(LEFT - 6, base + 4, "end", "0"));
    for (int bin = first; bin <= last; bin++) {
      double height = histogram.count(bin) * scale;
      svg.append(
          format(
              "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s to %s %s: %s</title></rect>",
              LEFT + (bin - first) * step + 0.5,
              base - height,
              Math.max(0.5, step - 1),
              height,
              decimal(histogram.low(bin)),
              decimal(histogram.low(bin) + histogram.width()),
              Html.escape(unit),
              number(histogram.count(bin))));
    }
    for (int tick = 0; tick <= TICKS; tick++) {
      double value = histogram.low(first) + histogram.width() * bins * tick / TICKS;
      String anchor = tick == 0 ? "start" : tick == TICKS ? "end" : "middle";
      svg.append(text(LEFT + (WIDTH - LEFT) * tick / TICKS, HEIGHT - 8, anchor, decimal(value)));
    }
    return svg.append("</svg>").toString();
  }

  /** Named counts as rows, the largest first. */
  static String rows(Map<String, Long> counts) {
    List<Map.Entry<String, Long>> sorted = new ArrayList<>(counts.entrySet());
    sorted.sort(
        Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
            .thenComparing(Map.Entry.comparingByKey()));
    List<Map.Entry<String, Long>> shown = sorted.subList(0, Math.min(MOST_ROWS, sorted.size()));
    long highest = 1;
    for (Map.Entry<String, Long> entry : shown) {
      highest = Math.max(highest, entry.getValue());
    }
    StringBuilder svg = open(WIDTH, ROW * shown.size());
    double scale = (WIDTH - LABEL - 90) / (double) highest;
    for (int i = 0; i < shown.size(); i++) {
      Map.Entry<String, Long> entry = shown.get(i);
      double length = Math.max(1, entry.getValue() * scale);
      int middle = ROW * i + ROW / 2 + 4;
      svg.append(text(LABEL - 8, middle, "end", entry.getKey()));
      svg.append(
          format(
              "<rect class=\"bar\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
              LABEL, ROW * i + 4, length, ROW - 8));
      svg.append(text((int) (LABEL + length + 6), middle, "start", number(entry.getValue())));
    }
    svg.append("</svg>");
    if (shown.size() < sorted.size()) {
      svg.append("<p>and %d more</p>".formatted(sorted.size() - shown.size()));
    }
    return svg.toString();
  }

  private static StringBuilder open(int width, int height) {
    return new StringBuilder(
        "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">"
            .formatted(width, height, width, height));
  }

  private static String line(int x1, int y1, int x2, int y2) {
    return "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>".formatted(x1, y1, x2, y2);
  }

  private static String text(int x, int y, String anchor, String text) {
    return "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>"
        .formatted(x, y, anchor, Html.escape(text));
  }

  /** With a point before decimals wherever the program runs. */
  static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }

  static String number(long value) {
    return format("%,d", value);
  }

  static String decimal(double value) {
    return value == Math.rint(value) ? number((long) value) : format("%.3g", value);
  }
}
