/**
 * {@code sparktune serve}: scores over HTTP. {@link org.sparktune.jobs.serve.ScoreServer} owns
 * sockets and threads, a {@code Connection} speaks with a client and never waits, the {@code
 * ScoreQueue} holds what was accepted and refuses more than it can hold, and the {@code Workers}
 * tokenize and score.
 */
package org.sparktune.jobs.serve;
