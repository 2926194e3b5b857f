package org.sparktune.jobs.serve;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection. It answers one request after the other and reads the next when that is
 * done; everything happens on the thread of its event loop, which never waits.
 */
final class Connection extends SimpleChannelInboundHandler<FullHttpRequest> {
  static final String SCORE = "/v1/score";
  private static final String HEALTH = "/health";
  private static final String METRICS = "/metrics";
  private static final String OTHER = "other";
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  private final ServeOptions options;
  private final Admission admission;
  private final ServeMetrics metrics;
  private ScheduledFuture<?> receiving;

  Connection(ServeOptions options, Admission admission, ServeMetrics metrics) {
    this.options = options;
    this.admission = admission;
    this.metrics = metrics;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    receive(context);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    received();
  }

  /** Reads the next request, which has to be complete in time. */
  private void receive(ChannelHandlerContext context) {
    receiving =
        context
            .executor()
            .schedule(
                () -> {
                  var unused = context.close();
                },
                options.receiveSeconds(),
                TimeUnit.SECONDS);
    context.read();
  }

  private void received() {
    if (receiving != null) {
      receiving.cancel(false);
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    received();
    if (request.decoderResult().isFailure()) {
      answer(
          context,
          OTHER,
          Reply.error(HttpResponseStatus.BAD_REQUEST, "The request is not HTTP."),
          false);
      return;
    }
    boolean keepAlive = HttpUtil.isKeepAlive(request);
    String path = new QueryStringDecoder(request.uri()).path();
    switch (path) {
      case SCORE -> score(context, request, keepAlive);
      case HEALTH -> answer(context, path, onlyGet(request, admission.health()), keepAlive);
      case METRICS -> answer(context, path, onlyGet(request, metricsText()), keepAlive);
      default ->
          answer(
              context,
              OTHER,
              Reply.error(
                  HttpResponseStatus.NOT_FOUND,
                  "There is %s, %s and %s.".formatted(SCORE, HEALTH, METRICS)),
              keepAlive);
    }
  }

  private Reply metricsText() {
    return Reply.text(ServeMetrics.CONTENT_TYPE, metrics.text(admission.gauges()));
  }

  private static Reply onlyGet(FullHttpRequest request, Reply reply) {
    boolean get = request.method().equals(HttpMethod.GET);
    return get || request.method().equals(HttpMethod.HEAD) ? reply : notAllowed("GET, HEAD");
  }

  private static Reply notAllowed(String allowed) {
    return Reply.error(
            HttpResponseStatus.METHOD_NOT_ALLOWED, "Only %s is answered.".formatted(allowed))
        .with("Allow", allowed);
  }

  private void score(ChannelHandlerContext context, FullHttpRequest request, boolean keepAlive) {
    if (!request.method().equals(HttpMethod.POST)) {
      answer(context, SCORE, notAllowed("POST"), keepAlive);
      return;
    }
    long arrival = System.nanoTime();
    if (!admission.enter()) {
      answer(context, SCORE, Admission.draining(), false);
      return;
    }
    ScoreRequest.Body body;
    try {
      body = BodyReader.read(ByteBufUtil.getBytes(request.content()));
    } catch (BodyReader.BadBody e) {
      leave(context, Reply.error(HttpResponseStatus.BAD_REQUEST, e.getMessage()), keepAlive);
      return;
    }
    Timer timer = new Timer();
    ScoreRequest asked =
        new ScoreRequest(
            body,
            reply ->
                context
                    .executor()
                    .execute(
                        () -> {
                          timer.cancel();
                          metrics.took(System.nanoTime() - arrival);
                          leave(context, reply, keepAlive);
                        }));
    timer.start(context, asked, options.timeoutMillis());
    admission.submit(asked, body.records().size(), arrival);
  }

  /** A score request's time. Used on the event loop only. */
  private static final class Timer {
    private ScheduledFuture<?> timeout;

    void start(ChannelHandlerContext context, ScoreRequest request, int millis) {
      Reply late =
          Reply.error(
              HttpResponseStatus.GATEWAY_TIMEOUT,
              "There was no score within %d ms.".formatted(millis));
      timeout =
          context.executor().schedule(() -> request.answer(late), millis, TimeUnit.MILLISECONDS);
    }

    void cancel() {
      timeout.cancel(false);
    }
  }

  private void leave(ChannelHandlerContext context, Reply reply, boolean keepAlive) {
    answer(context, SCORE, reply, keepAlive && !admission.isDraining(), admission::leave);
  }

  private void answer(ChannelHandlerContext context, String path, Reply reply, boolean keepAlive) {
    answer(context, path, reply, keepAlive, () -> {});
  }

  /**
   * Answers, and reads the next request or closes.
   *
   * @param afterwards when the answer is written or cannot be
   */
  private void answer(
      ChannelHandlerContext context,
      String path,
      Reply reply,
      boolean keepAlive,
      Runnable afterwards) {
    metrics.answered(path, reply.status().code());
    var unused =
        write(context, reply, keepAlive)
            .addListener(
                written -> {
                  afterwards.run();
                  if (keepAlive && written.isSuccess()) {
                    receive(context);
                  } else {
                    var unusedClose = context.close();
                  }
                });
  }

  /** Writes an answer. */
  static ChannelFuture write(ChannelHandlerContext context, Reply reply, boolean keepAlive) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, reply.status(), Unpooled.wrappedBuffer(reply.body()));
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, reply.contentType());
    response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, reply.body().length);
    reply.headers().forEach(response.headers()::set);
    // Said for those that speak HTTP 1.0 too, and open a connection for each request otherwise.
    response
        .headers()
        .set(
            HttpHeaderNames.CONNECTION,
            keepAlive ? HttpHeaderValues.KEEP_ALIVE : HttpHeaderValues.CLOSE);
    return context.writeAndFlush(response);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof IOException) {
      LOG.debug("A client went away: {}", cause.getMessage());
    } else {
      LOG.warn("A connection is closed", cause);
    }
    var unused = context.close();
  }
}
