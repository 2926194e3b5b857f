package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * What a {@code reward_model} task trains.
 *
 * @param head what turns a document into a score
 * @param ensemble how many heads score every document, each trained on its own loss
 * @param loss which one
 * @param centring weight of the pull of a pair's mean score to 0; pairs only
 * @param margins whether the dataset's margins are how far scores should be apart; pairs only
 */
public record RewardModelOptions(
    Head head, int ensemble, Loss loss, double centring, boolean margins) implements Serializable {

  /** The heads. */
  public enum Head {
    /** A vector that the last token is multiplied with, as transformers has it. */
    LINEAR("score"),
    /** One attention head over the document with a LayerNorm and a linear projection. */
    ATTENTION("attention_score");

    private final String module;

    Head(String module) {
      this.module = module;
    }
  }

  /** The losses. */
  public enum Loss {
    /** Over pairs of completions: the chosen one should score higher. */
    BRADLEY_TERRY,
    /** Over single documents: the squared distance from the score that the data give. */
    REGRESSION
  }

  /** The heads' names among an adapter's {@code modules_to_save}. */
  List<String> modules() {
    if (ensemble == 1) {
      return List.of(head.module);
    }
    List<String> modules = new ArrayList<>(ensemble);
    for (int i = 0; i < ensemble; i++) {
      modules.add(head.module + "_" + i);
    }
    return modules;
  }

  /** The kind of dataset that the loss reads. */
  public DatasetOptions.Kind kind() {
    return switch (loss) {
      case BRADLEY_TERRY -> DatasetOptions.Kind.PREFERENCE;
      case REGRESSION -> DatasetOptions.Kind.REWARD;
    };
  }
}
