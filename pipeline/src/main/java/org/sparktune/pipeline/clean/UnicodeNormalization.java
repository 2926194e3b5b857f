package org.sparktune.pipeline.clean;

import java.text.Normalizer;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;

/** Brings text to a normal form. */
final class UnicodeNormalization implements TextRewriter {
  private final Normalizer.Form form;

  UnicodeNormalization(UnicodeForm form) {
    this.form =
        switch (form) {
          case NFC -> Normalizer.Form.NFC;
          case NFKC -> Normalizer.Form.NFKC;
          case NONE -> throw new IllegalArgumentException("There is nothing to do");
        };
  }

  @Override
  public String name() {
    return "unicode";
  }

  @Override
  public String rewrite(String text) {
    return Normalizer.isNormalized(text, form) ? text : Normalizer.normalize(text, form);
  }
}
