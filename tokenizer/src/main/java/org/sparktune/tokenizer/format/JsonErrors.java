package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;

/** Says in a few words what is wrong with a JSON file. */
final class JsonErrors {
  private JsonErrors() {}

  static String where(IOException error) {
    if (error instanceof JsonProcessingException json && json.getLocation() != null) {
      return "line "
          + json.getLocation().getLineNr()
          + ", column "
          + json.getLocation().getColumnNr();
    }
    return String.valueOf(error.getMessage());
  }
}
