package org.sparktune.jobs.dl4j;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.storage.listener.RoutingIterationListener;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;

/**
 * Holds the executor of the first rank at a step until it is killed, once: it writes its process id
 * into a file, and does nothing where that file is already there.
 */
final class HoldingListener extends BaseTrainingListener implements RoutingIterationListener {
  private static final long serialVersionUID = 1L;
  private static final int STEP = 3;

  private final String file;

  HoldingListener(Path file) {
    this.file = file.toString();
  }

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    Path held = Path.of(file);
    if (iteration != STEP || Files.exists(held)) {
      return;
    }
    try {
      Path temporary =
          Files.writeString(Path.of(file + ".tmp"), "" + ProcessHandle.current().pid());
      Files.move(temporary, held);
      TimeUnit.MINUTES.sleep(5);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new IllegalStateException("Nobody killed this process");
  }

  @Override
  public void setStorageRouter(StatsStorageRouter router) {}

  @Override
  public StatsStorageRouter getStorageRouter() {
    return null;
  }

  @Override
  public void setWorkerID(String worker) {}

  @Override
  public String getWorkerID() {
    return "worker";
  }

  @Override
  public void setSessionID(String session) {}

  @Override
  public String getSessionID() {
    return "session";
  }

  @Override
  public RoutingIterationListener clone() {
    return new HoldingListener(Path.of(file));
  }
}
