package org.sparktune.jobs.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.engine.choice.Engines;

class RankGroupTest {
  private static final int RANKS = 3;

  @Test
  void shouldShareTheHostAmongItsRanks() {
    int all = Engines.defaultThreads();
    List<Object> shares =
        ThreadPeers.run(
            RANKS, peers -> group(peers, CodeVersion.get()).arrive("task", RankResources.UNKNOWN));

    HostShare first = assertInstanceOf(HostShare.class, shares.get(0));
    for (int rank = 0; rank < RANKS; rank++) {
      HostShare share = assertInstanceOf(HostShare.class, shares.get(rank));
      assertEquals(RANKS, share.ranksOnHost());
      assertEquals(Math.max(1, all / RANKS), share.threads());
      assertTrue(share.memoryBytes() > 0, share::toString);
      assertEquals(first.memoryBytes(), share.memoryBytes(), "the least that any of them saw");
      assertEquals(rank, share.gpu().index(RANKS), "GPUs are taken in turn");
    }
  }

  @ParameterizedTest
  @CsvSource({"0,1,1,8", "0,2,2,4", "0,3,1,2", "0,20,1,1", "2,4,1,2", "6,2,2,3", "64,1,1,8"})
  void shouldDivideCoresAsTheyWereGiven(int cores, int onHost, int inProcess, int expected) {
    String before = System.getProperty("sparktune.threads");
    System.setProperty("sparktune.threads", "8");
    try {
      assertEquals(expected, HostShare.threads(cores, onHost, inProcess));
    } finally {
      if (before == null) {
        System.clearProperty("sparktune.threads");
      } else {
        System.setProperty("sparktune.threads", before);
      }
    }
  }

  @Test
  void shouldRefuseRanksThatDisagreeWithBothValues() {
    List<Object> refusals =
        ThreadPeers.run(
            RANKS,
            peers ->
                new Rendezvous(peers)
                    .meet(
                        new TreeMap<>(
                            Map.of(
                                RankFacts.TASK,
                                "same",
                                RankFacts.DATASET,
                                peers.rank() == 2 ? "other" : "mine")),
                        new TreeMap<>()));

    for (Object refusal : refusals) {
      SparktuneException thrown = assertInstanceOf(SparktuneException.class, refusal);
      assertEquals(ErrorCode.MISMATCH, thrown.code());
      assertTrue(
          thrown.getMessage().startsWith("The ranks do not agree on the dataset: rank 0 on "),
          thrown.getMessage());
      assertTrue(thrown.getMessage().contains(" has mine, rank 2 on "), thrown.getMessage());
      assertTrue(thrown.getMessage().endsWith(" has other."), thrown.getMessage());
      assertTrue(thrown.hint().contains("dataset"), thrown.hint());
    }
  }

  @Test
  void shouldRefuseADriverWithOtherCode() {
    for (Object refusal :
        ThreadPeers.run(
            RANKS, peers -> group(peers, "0123456789ab").arrive("task", RankResources.UNKNOWN))) {
      SparktuneException thrown = assertInstanceOf(SparktuneException.class, refusal);
      assertEquals(ErrorCode.MISMATCH, thrown.code());
      assertTrue(thrown.getMessage().contains("0123456789ab"), thrown.getMessage());
      assertTrue(thrown.getMessage().contains(CodeVersion.get()), thrown.getMessage());
    }
  }

  @Test
  void shouldLetNobodyWaitForARankThatCannotTakePart() {
    SparktuneException why =
        new SparktuneException(ErrorCode.BAD_FILE, "/models/base is absent.", "Copy it.");
    List<Object> outcomes =
        ThreadPeers.run(
            RANKS,
            peers -> {
              RankGroup group = group(peers, CodeVersion.get());
              group.arrive("task", RankResources.UNKNOWN);
              if (peers.rank() == 1) {
                group.decline(why);
                throw why;
              }
              return group.join(new TreeMap<>(Map.of(RankFacts.MODEL, "m")));
            });

    assertEquals(why, outcomes.get(1));
    for (int rank : List.of(0, 2)) {
      SparktuneException thrown = assertInstanceOf(SparktuneException.class, outcomes.get(rank));
      assertEquals(ErrorCode.BAD_FILE, thrown.code());
      assertTrue(thrown.getMessage().startsWith("On rank 1 on "), thrown.getMessage());
      assertTrue(thrown.getMessage().endsWith(": /models/base is absent."), thrown.getMessage());
      assertEquals("Copy it.", thrown.hint());
    }
  }

  private static RankGroup group(Peers peers, String driverCode) {
    ClusterOptions options =
        new ClusterOptions(
            RANKS,
            RANKS,
            ClusterOptions.Transport.AUTO,
            ClusterOptions.Wire.FP32,
            1408,
            "",
            30,
            120,
            3);
    return new RankGroup(peers, new RunTicket("run", 1, new byte[32], driverCode, options), "");
  }
}
