package org.sparktune.jobs.dl4j;

import java.io.Serializable;
import org.sparktune.trainer.dl4j.Network;

/**
 * A network without its updater's state, as it goes to the ranks.
 *
 * @param graph whether it is a graph
 * @param json its configuration
 * @param iteration steps made
 * @param epoch epochs made
 * @param parameters {@code (P)}
 */
record NetworkImage(boolean graph, String json, int iteration, int epoch, float[] parameters)
    implements Serializable {

  static NetworkImage of(Network network) {
    return new NetworkImage(
        network.isGraph(),
        network.json(),
        network.iteration(),
        network.epoch(),
        network.parameters().toFloatVector());
  }

  Network restore() {
    Network network = Network.restore(graph, json, parameters);
    network.setIteration(iteration);
    network.setEpoch(epoch);
    return network;
  }
}
