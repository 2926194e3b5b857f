package org.sparktune.jobs.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.core.storage.listener.RoutingIterationListener;
import org.deeplearning4j.core.util.UIDProvider;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.spark.impl.listeners.VanillaStatsStorageRouter;
import org.sparktune.trainer.dl4j.Network;

/**
 * The listeners that record for a {@code StatsStorageRouter}. They look at parameters, gradients
 * and activations, so they run on a rank, where those are: on rank 0, whose parameters are
 * everyone's and whose batches are a sample of the step's.
 */
final class RankListeners {
  private final List<RoutingIterationListener> listeners = new ArrayList<>();
  private final VanillaStatsStorageRouter router = new VanillaStatsStorageRouter();
  private final Network network;

  private RankListeners(Network network) {
    this.network = network;
  }

  /**
   * The listeners of a rank, attached to its network.
   *
   * @param serialized a {@code RoutingIterationListener[]}; null without any
   */
  static RankListeners of(int rank, byte[] serialized, Network network) {
    RankListeners own = new RankListeners(network);
    if (rank == 0 && serialized != null) {
      for (RoutingIterationListener listener :
          JavaBytes.read(serialized, RoutingIterationListener[].class)) {
        listener.setStorageRouter(own.router);
        listener.setWorkerID(UIDProvider.getJVMUID() + "_" + rank);
        own.listeners.add(listener);
      }
      network.listen(List.copyOf(own.listeners));
    }
    return own;
  }

  /** Tells them that a step was made. */
  void stepped() {
    Model model = network.model();
    for (RoutingIterationListener listener : listeners) {
      listener.onGradientCalculation(model);
      listener.iterationDone(model, network.iteration() - 1, network.epoch());
    }
  }

  /** What they recorded; null without any. */
  RankResult.Stats stats() {
    return listeners.isEmpty()
        ? null
        : new RankResult.Stats(
            router.getStorageMetaData(), router.getStaticInfo(), router.getUpdates());
  }
}
