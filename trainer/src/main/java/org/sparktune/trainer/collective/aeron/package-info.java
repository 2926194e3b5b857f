/**
 * The collective of many ranks, over Aeron: shared memory between the ranks of one host, UDP
 * between hosts. {@code CollectiveEndpoint} opens and connects; one {@code CommunicationThread} a
 * rank runs everything else, the media driver included: {@code Plans} says which exchanges an
 * operation consists of, {@code ExchangeRun} carries one out frame by frame, {@code Link} holds the
 * streams to and from one partner and judges every frame that arrives, {@code PeerWatch} notices
 * who is gone.
 */
package org.sparktune.trainer.collective.aeron;
