package org.sparktune.jobs.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a reward model says of pairs, as an SVG that needs nothing from elsewhere: how often it is
 * right beside how sure it is, and its accuracy by length and source.
 */
public final class RewardPlot {
  private static final int SIDE = 260;
  private static final int LEFT = 60;
  private static final int TOP = 34;
  private static final int BARS = LEFT + SIDE + 60;
  private static final int LABEL = 220;
  private static final int BAR = 200;
  private static final int ROW = 22;
  private static final int LONGEST_LABEL = 32;
  private static final double LARGEST = 16;

  private RewardPlot() {}

  /** The plot of all pairs. */
  public static String of(RewardEvaluation.Pairs pairs) {
    List<RewardEvaluation.Group> groups = new ArrayList<>(pairs.byLength());
    groups.addAll(pairs.bySource());
    int width = BARS + LABEL + BAR + 60;
    int height = Math.max(TOP + SIDE + 50, TOP + ROW * groups.size() + 20);
    StringBuilder svg = new StringBuilder();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            .formatted(width, height, width, height));
    svg.append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    reliability(svg, pairs);
    bars(svg, groups);
    return svg.append("</svg>\n").toString();
  }

  /** Certainty from left to right, accuracy from below; a circle's area is its share of pairs. */
  private static void reliability(StringBuilder svg, RewardEvaluation.Pairs pairs) {
    text(svg, LEFT, 20, "start", format("calibration error %.3f", pairs.calibrationError()));
    line(svg, LEFT, TOP + SIDE, LEFT + SIDE, TOP + SIDE, "black");
    line(svg, LEFT, TOP, LEFT, TOP + SIDE, "black");
    line(svg, x(0.5), y(0.5), x(1), y(1), "#999999");
    for (double tick : new double[] {0.5, 0.75, 1}) {
      text(svg, x(tick), TOP + SIDE + 18, "middle", format("%.2f", tick));
    }
    for (double tick : new double[] {0, 0.5, 1}) {
      text(svg, LEFT - 8, y(tick) + 4, "end", format("%.1f", tick));
    }
    text(svg, x(0.75), TOP + SIDE + 38, "middle", "certainty; accuracy upwards");
    for (RewardEvaluation.Certainty bin : pairs.calibration()) {
      svg.append(
          format(
              "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"#3b6ea8\" fill-opacity=\"0.7\"><title>%d pairs: certainty %.3f, accuracy %.3f</title></circle>\n",
              x(bin.certainty()),
              y(bin.accuracy()),
              Math.max(3, LARGEST * Math.sqrt((double) bin.pairs() / pairs.count())),
              bin.pairs(),
              bin.certainty(),
              bin.accuracy()));
    }
  }

  private static void bars(StringBuilder svg, List<RewardEvaluation.Group> groups) {
    text(svg, BARS, 20, "start", "accuracy by length and source");
    for (int i = 0; i < groups.size(); i++) {
      RewardEvaluation.Group group = groups.get(i);
      int top = TOP + ROW * i;
      double length = Math.max(1, BAR * group.accuracy());
      text(svg, BARS + LABEL - 8, top + 14, "end", shortened(group.name()));
      svg.append(
          format(
              "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#3b6ea8\"><title>%d pairs</title></rect>\n",
              BARS + LABEL, top + 2, length, ROW - 6, group.pairs()));
      text(svg, BARS + LABEL + length + 6, top + 14, "start", format("%.2f", group.accuracy()));
    }
    double half = BARS + LABEL + BAR / 2.0;
    line(svg, half, TOP, half, TOP + ROW * groups.size(), "#999999");
  }

  /** The end of a path says more than its beginning. */
  private static String shortened(String name) {
    return name.length() <= LONGEST_LABEL
        ? name
        : "…" + name.substring(name.length() - LONGEST_LABEL + 1);
  }

  private static double x(double certainty) {
    return LEFT + SIDE * (certainty - 0.5) * 2;
  }

  private static double y(double accuracy) {
    return TOP + SIDE * (1 - accuracy);
  }

  private static void line(
      StringBuilder svg, double x1, double y1, double x2, double y2, String color) {
    svg.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
            x1, y1, x2, y2, color));
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    svg.append(
        format(
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
            x, y, anchor, text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")));
  }

  private static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
