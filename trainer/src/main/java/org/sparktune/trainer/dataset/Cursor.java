package org.sparktune.trainer.dataset;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A place in a split: the next row to be read. Positions count in the epoch's order, see {@link
 * RowOrder}.
 *
 * @param epoch passes completed
 * @param part position in this epoch's order of parts
 * @param rowGroup position in this epoch's order of that part's row groups
 * @param row position in this epoch's order of that row group's rows
 */
public record Cursor(
    @JsonProperty("epoch") long epoch,
    @JsonProperty("part") int part,
    @JsonProperty("row_group") int rowGroup,
    @JsonProperty("row") int row) {

  /** The first row of the first epoch. */
  public static final Cursor START = new Cursor(0, 0, 0, 0);
}
