package org.sparktune.pipeline.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.core.DatasetManifest;

/**
 * One page of HTML about a dataset, or about what a version added: {@code report.html} beside the
 * manifest. It needs nothing from elsewhere, and all text is escaped: it is shown, never run.
 */
public final class DatasetReport {
  /** The file in a dataset's folder. */
  public static final String FILE_NAME = "report.html";

  private static final String LANGUAGE = "language.";
  private static final String PREFERENCE = "preference";
  private static final String REWARD = "reward";

  private static final String STYLE =
      """
      :root{--ink:#1b1f24;--soft:#5b6470;--line:#d5dae0;--bar:#3b6fb6;--paper:#fff;--mark:#dcebd6}
      @media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4b0;--line:#3a414a;--bar:#6f9fe0;--paper:#16191d;--mark:#2c4a2a}}
      body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:720px;margin:32px auto;padding:0 16px}
      h1{font-size:24px;margin-bottom:0}h2{font-size:17px;margin-top:32px}p{color:var(--soft);margin:4px 0}
      table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--line);padding:4px 8px;text-align:right}
      td:first-child,th:first-child{text-align:left;overflow-wrap:anywhere}th{color:var(--soft);font-weight:normal}
      svg{max-width:100%;height:auto}svg text{font-size:12px;fill:var(--soft)}svg line{stroke:var(--line)}.bar{fill:var(--bar)}
      pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:6px;padding:10px;font-size:13px}
      mark{background:var(--mark);color:inherit}
      """;

  /** Turns tokens back into text. */
  public interface Decoder {
    /** The text of tokens. */
    String decode(int[] ids);
  }

  private final DatasetManifest manifest;
  private final DocumentDigest digest;
  private final Decoder decoder;
  private final StringBuilder page = new StringBuilder();

  private DatasetReport(DatasetManifest manifest, DocumentDigest digest, Decoder decoder) {
    this.manifest = manifest;
    this.digest = digest;
    this.decoder = decoder;
  }

  /**
   * The page.
   *
   * @param digest of the documents in the dataset
   * @param decoder of the dataset's tokenizer
   */
  public static String of(DatasetManifest manifest, DocumentDigest digest, Decoder decoder) {
    return new DatasetReport(manifest, digest, decoder).page();
  }

  private String page() {
    page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
        .append("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>")
        .append("<title>Dataset report</title><style>\n")
        .append(STYLE)
        .append("</style></head><body>\n<h1>Dataset of kind ")
        .append(Html.escape(manifest.kind()))
        .append("</h1>\n");
    facts();
    splits();
    if (digest.lengths().total() > 0) {
      heading("Tokens of a " + unit());
      page.append(Charts.histogram(digest.lengths(), "tokens"));
      heading("Tokens that carry loss, of a " + unit());
      page.append(Charts.histogram(digest.trained(), "tokens"));
      values();
    }
    counts("Rejected records by reason", manifest.rejects());
    Map<String, Long> languages = new TreeMap<>();
    Map<String, Long> others = new TreeMap<>();
    manifest
        .counters()
        .forEach(
            (name, count) -> {
              if (name.startsWith(LANGUAGE)) {
                languages.put(name.substring(LANGUAGE.length()), count);
              } else {
                others.put(name, count);
              }
            });
    counts("Languages (ISO 639-3)", languages);
    counts("Counted on the way", others);
    scores();
    quarantined();
    samples();
    return page.append("</body></html>\n").toString();
  }

  private String unit() {
    return manifest.kind().equals(PREFERENCE) ? "pair" : "document";
  }

  private void heading(String text) {
    page.append("<h2>").append(Html.escape(text)).append("</h2>\n");
  }

  private void facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    if (manifest.version() != null) {
      facts.put("version", "v" + manifest.version().number() + ", of which this is what it added");
    }
    facts.put("files", Charts.number(manifest.sources().size()));
    facts.put("records", Charts.number(manifest.recordsRead()));
    long rejected = 0;
    for (long count : manifest.rejects().values()) {
      rejected += count;
    }
    facts.put("rejected", Charts.number(rejected));
    facts.put("tokens of a row at most", Charts.number(manifest.sequenceLength()));
    page.append("<p>");
    facts.forEach(
        (name, value) ->
            page.append(Html.escape(name)).append(" ").append(Html.escape(value)).append(" · "));
    page.append("tokenizer ").append(Html.escape(manifest.tokenizerFingerprint())).append("</p>\n");
  }

  private void splits() {
    page.append("<table><tr><th>split</th><th>documents</th><th>rows</th><th>tokens</th>")
        .append("<th>with loss</th><th>rows filled</th></tr>");
    manifest
        .splits()
        .forEach(
            (name, split) -> {
              double places = Math.max(1.0, split.rows() * (double) manifest.sequenceLength());
              row(
                  name,
                  Charts.number(split.documents()),
                  Charts.number(split.rows()),
                  Charts.number(split.tokens()),
                  Charts.number(split.lossTokens()),
                  Charts.format("%.1f %%", 100 * split.tokens() / places));
            });
    page.append("</table>\n");
  }

  private void row(String... cells) {
    page.append("<tr>");
    for (String cell : cells) {
      page.append("<td>").append(Html.escape(cell)).append("</td>");
    }
    page.append("</tr>");
  }

  private void values() {
    if (manifest.kind().equals(REWARD)) {
      heading("Scores, normalized");
      page.append(Charts.histogram(digest.values(), ""));
    } else if (manifest.kind().equals(PREFERENCE)) {
      heading("Margins");
      page.append(Charts.histogram(digest.values(), ""));
    }
  }

  private void counts(String title, Map<String, Long> counts) {
    if (!counts.isEmpty()) {
      heading(title);
      page.append(Charts.rows(counts)).append('\n');
    }
  }

  private void scores() {
    if (manifest.scores().isEmpty()) {
      return;
    }
    heading("Scores as they came, by group");
    page.append("<table><tr><th>group</th><th>count</th><th>mean</th><th>deviation</th>")
        .append("<th>lowest</th><th>median</th><th>highest</th></tr>");
    manifest
        .scores()
        .forEach(
            (group, scores) ->
                row(
                    group,
                    Charts.number(scores.count()),
                    Charts.decimal(scores.mean()),
                    Charts.decimal(scores.standardDeviation()),
                    Charts.decimal(scores.min()),
                    Charts.decimal(scores.median()),
                    Charts.decimal(scores.max())));
    page.append("</table>\n");
  }

  private void quarantined() {
    if (manifest.quarantined().isEmpty()) {
      return;
    }
    heading("Files that could not be read to their end");
    page.append("<table><tr><th>file</th><th>reason</th><th>records before</th></tr>");
    for (DatasetManifest.Quarantined file : manifest.quarantined()) {
      row(file.path(), file.reason(), Charts.number(file.records()));
    }
    page.append("</table>\n");
  }

  private void samples() {
    List<DocumentDigest.Sample> samples = digest.samples();
    if (samples.isEmpty()) {
      return;
    }
    heading("Samples");
    page.append("<p>What is marked carries loss.</p>\n");
    for (DocumentDigest.Sample sample : samples) {
      page.append("<pre>");
      int end = sample.ids().length;
      if (sample.second() > 0 && sample.second() < end) {
        runs(sample, 0, sample.second());
        page.append("</pre><p>and rejected:</p><pre>");
        runs(sample, sample.second(), end);
      } else {
        runs(sample, 0, end);
      }
      page.append(end < sample.length() ? "…" : "").append("</pre>\n");
    }
  }

  /** The text, in runs of tokens that carry loss or do not. */
  private void runs(DocumentDigest.Sample sample, int from, int to) {
    int start = from;
    while (start < to) {
      int end = start;
      while (end < to && sample.lossMask()[end] == sample.lossMask()[start]) {
        end++;
      }
      String text =
          Html.escape(decoder.decode(java.util.Arrays.copyOfRange(sample.ids(), start, end)));
      boolean trained = sample.lossMask()[start] == 1;
      page.append(trained ? "<mark>" : "").append(text).append(trained ? "</mark>" : "");
      start = end;
    }
  }
}
