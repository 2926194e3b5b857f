package org.sparktune.jobs.serve;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;

/** Puts requests together from their parts, and answers those that are too large. */
final class BodyLimit extends HttpObjectAggregator {
  private final ServeMetrics metrics;

  BodyLimit(int maxBytes, ServeMetrics metrics) {
    super(maxBytes, true);
    this.metrics = metrics;
  }

  @Override
  protected void handleOversizedMessage(ChannelHandlerContext context, HttpMessage oversized) {
    metrics.answered(Connection.SCORE, HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE.code());
    Reply reply =
        Reply.error(
            HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE,
            "The body is larger than %d bytes.".formatted(maxContentLength()));
    // A client that is still writing would not see an answer that is followed by a reset: what it
    // writes is read and dropped until it closes or its time is over.
    Connection.write(context, reply, false)
        .addListener(
            written -> {
              context.channel().config().setAutoRead(true);
              if (context.channel() instanceof io.netty.channel.socket.SocketChannel socket) {
                var unused = socket.shutdownOutput();
              }
            });
  }
}
