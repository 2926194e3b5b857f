package org.sparktune.trainer.collective.aeron;

/**
 * One meeting of two ranks: each sends so many elements to the other and takes so many from it.
 *
 * @param peer the other rank
 * @param content what is carried
 * @param sendAddress of the first element to send
 * @param sendElements how many; may be 0
 * @param receiveAddress where the first received element goes
 * @param receiveElements how many; may be 0
 * @param accumulates whether received elements are added rather than stored
 * @param snapshotOf an address from which {@code sendElements} are copied to {@code sendAddress}
 *     before anything is sent, or 0: for sums that are sent and added to at once
 * @param errorAddress of what rounding took from each element to send the last time, or 0
 */
record Exchange(
    int peer,
    Content content,
    long sendAddress,
    long sendElements,
    long receiveAddress,
    long receiveElements,
    boolean accumulates,
    long snapshotOf,
    long errorAddress) {

  /** Bytes that go out. */
  long sendBytes() {
    return sendElements * content.wireBytes();
  }

  /** Bytes that come in. */
  long receiveBytes() {
    return receiveElements * content.wireBytes();
  }
}
