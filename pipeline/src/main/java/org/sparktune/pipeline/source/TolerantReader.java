package org.sparktune.pipeline.source;

import java.io.IOException;

/** Reads a piece up to the place where its file is damaged. */
final class TolerantReader implements PieceReader {

  /** Opens what is read. */
  interface Opening {
    PieceReader open() throws IOException;
  }

  private final PieceReader reader;
  private String damage;

  /**
   * @throws IOException when the file cannot be reached
   */
  TolerantReader(Opening opening) throws IOException {
    PieceReader opened = null;
    try {
      opened = opening.open();
    } catch (IOException e) {
      setDamage(e);
    }
    this.reader = opened;
  }

  private void setDamage(IOException e) throws IOException {
    if (!Damage.isOfTheFile(e)) {
      throw e;
    }
    damage = Damage.words(e);
  }

  @Override
  public RawRecord next() throws IOException {
    if (damage != null) {
      return null;
    }
    try {
      return reader.next();
    } catch (IOException e) {
      setDamage(e);
      return null;
    }
  }

  @Override
  public long lines() {
    return reader == null ? 0 : reader.lines();
  }

  @Override
  public String damage() {
    return damage;
  }

  @Override
  public void close() throws IOException {
    if (reader != null) {
      reader.close();
    }
  }
}
