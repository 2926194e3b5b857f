package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;

/** LoRA between training and PEFT's files. */
public final class AdapterExchange {
  private static final String ALL_LINEAR = "all-linear";
  private static final String CAUSAL_LANGUAGE_MODEL = "CAUSAL_LM";
  private static final String SEQUENCE_CLASSIFIER = "SEQ_CLS";

  private AdapterExchange() {}

  /** What an adapter's configuration trains when training goes on from it. */
  public static LoraConfig loraConfig(AdapterConfig config) {
    return new LoraConfig(
        config.rank(),
        config.alpha(),
        config.dropout(),
        targets(config),
        config.useRslora(),
        config.useDora(),
        config.rankPattern(),
        config.alphaPattern(),
        config.modulesToSave(),
        LoraConfig.Initialization.KAIMING_UNIFORM,
        List.of());
  }

  private static TargetModules targets(AdapterConfig config) {
    if (!config.targetIsPattern()) {
      return new TargetModules.Named(config.targetModules());
    }
    String pattern = config.targetModules().get(0);
    return pattern.equals(ALL_LINEAR)
        ? new TargetModules.AllLinear()
        : new TargetModules.Matching(pattern);
  }

  /**
   * The adapter as it is now. Its tensors may be views: write them before training goes on. Ranks
   * that layer policies set become entries of {@code rank_pattern}, so that PEFT computes the same.
   *
   * @param trainable trained with {@link Tuning.Lora}
   * @param baseModel what to name as the base
   * @param copies holds the tensors where the engine does not compute in host memory
   */
  public static PeftAdapter export(DecoderTrainable trainable, String baseModel, Arena copies) {
    return of(config(trainable, baseModel), trainable.hostTensors(copies));
  }

  /**
   * An adapter of a configuration and the trained parameters of a run, as a checkpoint keeps them.
   *
   * @param parameters by the names of {@link DecoderTrainable#tensors()}; a critic's are left out
   */
  public static PeftAdapter of(AdapterConfig config, Map<String, Tensor> parameters) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(parameters);
    tensors.keySet().removeIf(ValueHead::owns);
    return new PeftAdapter(config, tensors);
  }

  /**
   * The configuration of what is trained.
   *
   * @param trainable trained with {@link Tuning.Lora}
   * @param baseModel what to name as the base
   */
  public static AdapterConfig config(DecoderTrainable trainable, String baseModel) {
    DecoderPlan plan = trainable.decoder().plan();
    LoraConfig lora = ((Tuning.Lora) plan.tuning()).config();
    Map<String, Integer> ranks = new LinkedHashMap<>();
    Map<String, Double> alphas = new LinkedHashMap<>();
    List<GroupPlan.Module> adapted = new ArrayList<>();
    List<GroupPlan.Module> others = new ArrayList<>();
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        for (GroupPlan.Module module : group.modules()) {
          (module.rank() > 0 ? adapted : others).add(module);
        }
      }
    }
    for (GroupPlan.Module module : adapted) {
      if (module.rank() != lora.rank()) {
        ranks.put(module.name(), module.rank());
      }
      double divisor = lora.useRslora() ? Math.sqrt(module.rank()) : module.rank();
      double alpha = module.scale() * divisor;
      if (Math.abs(alpha - lora.alpha()) > 1e-9 * lora.alpha()) {
        alphas.put(module.name(), alpha);
      }
    }
    return new AdapterConfig(
        baseModel,
        plan.hasScoreHead() ? SEQUENCE_CLASSIFIER : CAUSAL_LANGUAGE_MODEL,
        lora.rank(),
        lora.alpha(),
        lora.dropout(),
        targetNames(adapted, others),
        false,
        lora.useRslora(),
        lora.useDora(),
        ranks,
        alphas,
        lora.modulesToSave());
  }

  /** Short names where they mean adapted modules only, else full ones; sorted. */
  private static List<String> targetNames(
      List<GroupPlan.Module> adapted, List<GroupPlan.Module> others) {
    TreeSet<String> ambiguous = new TreeSet<>();
    others.forEach(module -> ambiguous.add(shortName(module)));
    TreeSet<String> names = new TreeSet<>();
    for (GroupPlan.Module module : adapted) {
      String shortName = shortName(module);
      names.add(ambiguous.contains(shortName) ? module.name() : shortName);
    }
    return List.copyOf(names);
  }

  private static String shortName(GroupPlan.Module module) {
    return module.name().substring(module.name().lastIndexOf('.') + 1);
  }
}
