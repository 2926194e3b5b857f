package org.sparktune.jobs.serve;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.scoring.ScoringModel;

/**
 * Scores over HTTP. Netty, which Spark brings along, reads and writes all sockets without a thread
 * for each, so that a slow client costs its buffers and nothing else.
 */
public final class ScoreServer implements AutoCloseable {
  /** The event loops only parse and copy; scoring needs the cores. */
  private static final int EVENT_LOOPS = 1;

  private static final int BACKLOG = 1024;

  private final ServeOptions options;
  private final ServeMetrics metrics = new ServeMetrics();
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final ScoreQueue queue;
  private final Admission admission;
  private final Workers workers;
  private final EventLoopGroup loops;
  private final Channel listening;

  private ScoreServer(ScoringModel model, ServeOptions options) {
    this.options = options;
    this.queue = new ScoreQueue(options.queueDocuments(), model.parallelism());
    this.admission = new Admission(queue, model.kind(), connections::size);
    this.workers = new Workers(model, queue, options, metrics);
    this.loops = new NioEventLoopGroup(EVENT_LOOPS, new DefaultThreadFactory("serve", true));
    this.listening = listen();
    workers.start();
  }

  /**
   * Starts a server.
   *
   * @param model is not closed with it
   * @throws SparktuneException {@code OUTPUT} when the port is taken
   */
  public static ScoreServer start(ScoringModel model, ServeOptions options) {
    return new ScoreServer(model, options);
  }

  private Channel listen() {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(new Pipeline())
            .bind(options.host(), options.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      loops.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "Nothing can listen at %s:%d (%s)."
              .formatted(options.host(), options.port(), bound.cause().getMessage()),
          "Give another --port or --host, or 0 for any port that is free.",
          bound.cause());
    }
    return bound.channel();
  }

  /** What every connection goes through. */
  private final class Pipeline extends ChannelInitializer<SocketChannel> {
    @Override
    protected void initChannel(SocketChannel channel) {
      if (connections.size() >= options.maxConnections()) {
        var unused = channel.close();
        return;
      }
      connections.add(channel);
      channel
          .pipeline()
          .addLast(new HttpServerCodec())
          .addLast(new BodyLimit(options.maxBodyBytes(), metrics))
          // One request at a time, also where a client sends several without waiting.
          .addLast(new FlowControlHandler())
          .addLast(new Connection(options, admission, metrics));
    }
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listening.localAddress();
  }

  /** Lets no more requests in; those inside are answered. Returns at once. */
  public void drain() {
    admission.drain();
  }

  /** Waits until it is to end and the last request was answered. */
  public void awaitDrained() throws InterruptedException {
    admission.awaitEmpty();
  }

  /** Ends it: what was accepted is answered first. */
  @Override
  public void close() {
    admission.drain();
    try {
      admission.awaitEmpty();
      queue.close();
      workers.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    listening.close().awaitUninterruptibly();
    connections.close().awaitUninterruptibly();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
