package org.sparktune.jobs.spark;

import java.io.Serializable;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.DriverLink;
import org.sparktune.jobs.ranks.Headquarters;
import org.sparktune.jobs.ranks.Order;
import org.sparktune.jobs.ranks.Peers;
import org.sparktune.jobs.ranks.RankGroup;
import org.sparktune.jobs.ranks.RankResources;
import org.sparktune.jobs.ranks.RunTicket;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.jobs.training.TrainingRequest;
import org.sparktune.jobs.training.TrainingRunner;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.runtime.AbstractFunction1;

/**
 * Trains as one rank, in a Spark task. Only words and paths go to the executor, inside this
 * function; only a {@link RankAnswer} comes back. A Scala function, because Spark offers barrier
 * stages to those alone.
 */
public final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
    implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RankTask.class);

  private final TrainingRequest request;
  private final RunTicket ticket;
  private final boolean barrier;

  /**
   * @param barrier whether the task is one of a barrier stage, or the only rank
   */
  RankTask(TrainingRequest request, RunTicket ticket, boolean barrier) {
    this.request = request;
    this.ticket = ticket;
    this.barrier = barrier;
  }

  @Override
  public Iterator<String> apply(Iterator<Integer> ranks) {
    Peers peers = barrier ? new BarrierPeers(BarrierTaskContext.get()) : Peers.alone();
    return JavaConverters.asScalaIterator(List.of(answer(peers).write()).iterator());
  }

  private RankAnswer answer(Peers peers) {
    TaskContext task = TaskContext.get();
    Headquarters plugin = RankPlugin.driver(ticket.runId());
    // Spark marks the tasks of a job that is over; the driver may not be there to be asked.
    Headquarters headquarters =
        report -> task.isInterrupted() ? Order.LEAVE : plugin.report(report);
    try (DriverLink driver = new DriverLink(headquarters, ticket, peers.rank())) {
      BooleanSupplier stop = () -> StopSignal.requested() || driver.stopRequested();
      try {
        RankGroup group = new RankGroup(peers, ticket, host());
        return RankAnswer.of(
            peers.rank(), TrainingRunner.run(request, group, resources(), driver, stop));
      } catch (SparktuneException e) {
        LOG.debug("Rank {} of {} failed", peers.rank(), ticket, e);
        driver.failed();
        return RankAnswer.of(peers.rank(), e);
      } catch (RuntimeException | Error e) {
        driver.failed();
        throw e;
      }
    }
  }

  /**
   * The cores that an executor was given, and the GPU that the task was given, if it was given one.
   * In local mode all are the driver's.
   */
  public static RankResources resources() {
    int cores = isOneProcess() ? 0 : SparkEnv.get().conf().getInt("spark.executor.cores", 0);
    return new RankResources(
        cores, GpuAddresses.first(TaskContext.get().resourcesJMap().get(GpuAddresses.RESOURCE)));
  }

  /** Where Spark's executors reach this one; ranks of one process have no need to know. */
  public static String host() {
    return isOneProcess() ? "" : SparkEnv.get().blockManager().blockManagerId().host();
  }

  private static boolean isOneProcess() {
    return SparkSettings.isOneProcess(SparkEnv.get().conf().get("spark.master"));
  }
}
