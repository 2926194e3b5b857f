package org.sparktune.pipeline.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.ZipException;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

class DamageTest {
  @TempDir Path folder;

  @Test
  void shouldTellDamageFromConnections() {
    for (IOException damage :
        List.of(
            new EOFException(),
            new ZipException("invalid block type"),
            new FileNotFoundException("(Permission denied)"),
            new IOException("damaged", new DataFormatException("bad")),
            new IOException("Input/output error"),
            new DamagedFileException("no footer", new RuntimeException("no footer")))) {
      assertTrue(Damage.isOfTheFile(damage), damage::toString);
    }
    for (IOException connection :
        List.of(
            new ConnectException("refused"),
            new SocketTimeoutException("60000 millis"),
            new InterruptedIOException(),
            new IOException("Filesystem closed"),
            new DamagedFileException("a page", new RuntimeException(new ConnectException("x"))),
            new IOException("stopped", new InterruptedException()))) {
      assertFalse(Damage.isOfTheFile(connection), connection::toString);
    }
  }

  @Test
  void shouldEndAFileThatDisappearsWhileItIsRead() throws IOException {
    Configuration configuration = new Configuration();
    for (String name : List.of("early.jsonl", "late.jsonl")) {
      Files.writeString(folder.resolve(name), "{\"text\": \"one\"}\n");
    }
    Source source = new Source(folder.toString(), Schema.AUTO, Map.of());
    SourceFinder finder = new SourceFinder(configuration, OnCorrupt.QUARANTINE);
    List<SourceFinder.Listed> listed = finder.list(List.of(source), false);
    Files.delete(folder.resolve("early.jsonl"));
    List<SourceFile> files = finder.inspect(listed);
    Files.delete(folder.resolve("late.jsonl"));
    List<Piece> pieces = Piece.cut(files, 1 << 20);
    assertEquals(2, pieces.size());
    for (Piece piece : pieces) {
      try (PieceReader reader =
          PieceReader.open(piece, 1 << 16, OnCorrupt.QUARANTINE, configuration)) {
        assertNull(reader.next());
        assertTrue(reader.damage().contains("does not exist"), reader.damage());
        assertEquals(0, reader.lines());
      }
      assertThrows(SparktuneException.class, () -> PieceReader.open(piece, 1 << 16, configuration));
    }
  }
}
