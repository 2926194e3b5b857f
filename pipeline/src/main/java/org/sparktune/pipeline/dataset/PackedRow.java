package org.sparktune.pipeline.dataset;

import java.util.List;
import org.sparktune.pipeline.sample.Document;

/**
 * Documents laid end to end.
 *
 * @param documents at least one, in order
 */
record PackedRow(List<Document> documents) {

  int tokens() {
    int tokens = 0;
    for (Document document : documents) {
      tokens += document.length();
    }
    return tokens;
  }

  int targets() {
    int targets = 0;
    for (Document document : documents) {
      targets += document.targets();
    }
    return targets;
  }
}
