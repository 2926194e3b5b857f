package org.sparktune.pipeline.source;

import java.util.Locale;

/** The container of records. */
public enum SourceFormat {
  /** One JSON object a line. */
  JSONL,
  /** One JSON array of objects. */
  JSON,
  /** Parquet. */
  PARQUET;

  /** The name in manifests. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
