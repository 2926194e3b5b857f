package org.sparktune.jobs.dl4j;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.storage.listener.RoutingIterationListener;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;

/** Records every step's gradient norm for a router. */
final class CountingListener extends BaseTrainingListener implements RoutingIterationListener {
  private static final long serialVersionUID = 1L;

  private transient StatsStorageRouter router;
  private String worker = "none";
  private String session = "session";
  private boolean started;

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    if (!started) {
      router.putStaticInfo(new Norm(session, worker, 0));
      started = true;
    }
    router.putUpdate(
        new Norm(session, worker, model.gradient().gradient().norm2Number().doubleValue()));
  }

  @Override
  public void setStorageRouter(StatsStorageRouter newRouter) {
    router = newRouter;
  }

  @Override
  public StatsStorageRouter getStorageRouter() {
    return router;
  }

  @Override
  public void setWorkerID(String newWorker) {
    worker = newWorker;
  }

  @Override
  public String getWorkerID() {
    return worker;
  }

  @Override
  public void setSessionID(String newSession) {
    session = newSession;
  }

  @Override
  public String getSessionID() {
    return session;
  }

  @Override
  public RoutingIterationListener clone() {
    CountingListener copy = new CountingListener();
    copy.session = session;
    return copy;
  }

  /** A norm as a record of a router. */
  private record Norm(String session, String worker, double value) implements Persistable {
    @Override
    public String getSessionID() {
      return session;
    }

    @Override
    public String getTypeID() {
      return "norm";
    }

    @Override
    public String getWorkerID() {
      return worker;
    }

    @Override
    public long getTimeStamp() {
      return 0;
    }

    @Override
    public int encodingLengthBytes() {
      return Double.BYTES;
    }

    @Override
    public byte[] encode() {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try {
        encode(bytes);
      } catch (IOException e) {
        throw new UncheckedIOException("Memory can be written to", e);
      }
      return bytes.toByteArray();
    }

    @Override
    public void encode(ByteBuffer buffer) {
      buffer.putDouble(value);
    }

    @Override
    public void encode(OutputStream out) throws IOException {
      new DataOutputStream(out).writeDouble(value);
    }

    @Override
    public void decode(byte[] bytes) {
      throw new UnsupportedOperationException("a record is immutable");
    }

    @Override
    public void decode(ByteBuffer buffer) {
      throw new UnsupportedOperationException("a record is immutable");
    }

    @Override
    public void decode(InputStream in) {
      throw new UnsupportedOperationException("a record is immutable");
    }
  }
}
