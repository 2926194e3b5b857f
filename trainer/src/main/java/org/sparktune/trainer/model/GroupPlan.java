package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;

/**
 * Linear modules that read the same input, laid side by side in one output: q, k and v; gate and
 * up.
 *
 * @param in input features
 * @param modules in the order of their output columns
 * @param dora whether the factors are weight-decomposed
 */
record GroupPlan(int in, List<Module> modules, boolean dora) {

  /**
   * One linear module.
   *
   * @param name its full name
   * @param out output features
   * @param bias whether it has a bias
   * @param trained whether its own weight is trained
   * @param rank of its factors, 0 without
   * @param scale of its factors
   */
  record Module(String name, int out, boolean bias, boolean trained, int rank, double scale) {
    String weight() {
      return name + ".weight";
    }

    String biasName() {
      return name + ".bias";
    }

    String down() {
      return name + ".lora_A.weight";
    }

    String up() {
      return name + ".lora_B.weight";
    }

    String magnitude() {
      return name + ".lora_magnitude_vector";
    }
  }

  /** Output features of all modules. */
  int out() {
    return modules.stream().mapToInt(Module::out).sum();
  }

  /** Ranks of all factors, summed. */
  int rank() {
    return modules.stream().mapToInt(Module::rank).sum();
  }

  boolean adapted() {
    return rank() > 0;
  }

  boolean decomposed() {
    return dora && adapted();
  }

  boolean trained() {
    return adapted() || modules.stream().anyMatch(Module::trained);
  }

  /** Neighbours that are all trained, or all frozen, and share one matrix. */
  List<List<Module>> runs() {
    List<List<Module>> runs = new ArrayList<>();
    for (Module module : modules) {
      List<Module> last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
      if (last == null
          || last.get(0).trained() != module.trained()
          || last.get(0).bias() != module.bias()) {
        last = new ArrayList<>();
        runs.add(last);
      }
      last.add(module);
    }
    return runs;
  }
}
