package org.sparktune.trainer.model;

import java.util.Locale;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.memory.DType;

/**
 * The bytes that training will need, known before anything is allocated. Activations are counted by
 * the code that lays them out.
 *
 * @param frozenWeights weights that training does not change, in the engine's precision, and the
 *     copies of them that make products faster
 * @param parameters trained parameters, F32, and the engine's BF16 copies of their matrices
 * @param gradients their gradients and partial sums of them, F32
 * @param optimizer the optimizer's state, F32: with AdamW two moments for each owned parameter
 * @param activations what forward leaves for backward, and memory that blocks share
 * @param head rows of the final norm and logits in chunks
 */
public record MemoryEstimate(
    long frozenWeights,
    long parameters,
    long gradients,
    long optimizer,
    long activations,
    long head) {
  private static final int BF16_BYTES = 2;

  /**
   * Estimates a training run.
   *
   * @param tuning what is trained
   * @param batchTokens tokens of the largest micro-batch
   * @param precision the engine's
   */
  public static MemoryEstimate training(
      DecoderConfig config, Tuning tuning, int batchTokens, Engine.Precision precision) {
    return training(config, tuning, batchTokens, precision, Sharing.ALONE);
  }

  /**
   * How a training is shared by its ranks; the estimate is that of the rank that holds most.
   *
   * @param ranks how many train together; each owns a part of the optimizer's state
   * @param statePerParameter numbers that the optimizer remembers of a parameter
   * @param partialSums of gradients that a rank holds while it sums its micro-batches
   */
  public record Sharing(int ranks, int statePerParameter, int partialSums) {
    /** One rank, AdamW, a step of one micro-batch. */
    public static final Sharing ALONE = new Sharing(1, 2, 0);
  }

  /** Estimates one rank's part of a training run. */
  public static MemoryEstimate training(
      DecoderConfig config,
      Tuning tuning,
      int batchTokens,
      Engine.Precision precision,
      Sharing sharing) {
    DecoderPlan plan = DecoderPlan.of(config, tuning);
    long trained = plan.layout().size();
    int owners = Slices.groups(sharing.ranks());
    long owned = (trained + owners - 1) / owners;
    long matrices = trainedMatrices(plan);
    long operandBytes = precision == Engine.Precision.BF16 ? BF16_BYTES : Float.BYTES;
    long copies = precision == Engine.Precision.BF16 ? matrices * BF16_BYTES : 0;
    return new MemoryEstimate(
        frozenElements(plan) * operandBytes
            + CpuEngines.packedBytes(multipliedElements(plan) * operandBytes),
        trained * Float.BYTES + copies,
        (1L + sharing.partialSums()) * trained * Float.BYTES,
        sharing.statePerParameter() * owned * Float.BYTES,
        Workspace.bytes(plan, true, batchTokens, operandType(precision)),
        SelectedRows.bytes(config.hiddenSize(), batchTokens));
  }

  /**
   * Estimates evaluation.
   *
   * @param batchTokens tokens of the largest batch
   */
  public static MemoryEstimate evaluation(
      DecoderConfig config, int batchTokens, Engine.Precision precision) {
    DecoderPlan plan = DecoderPlan.of(config, new Tuning.Nothing());
    long operandBytes = precision == Engine.Precision.BF16 ? BF16_BYTES : Float.BYTES;
    return new MemoryEstimate(
        config.parameters() * operandBytes,
        0,
        0,
        0,
        Workspace.bytes(plan, false, batchTokens, operandType(precision)),
        SelectedRows.bytes(config.hiddenSize(), batchTokens));
  }

  private static long trainedMatrices(DecoderPlan plan) {
    long elements = 0;
    for (var entry : plan.layout().entries()) {
      boolean factor = entry.name().contains(".lora_");
      if (entry.shape().length == 2 && !factor) {
        elements += entry.size();
      }
    }
    return elements;
  }

  private static DType operandType(Engine.Precision precision) {
    return switch (precision) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
    };
  }

  /** Elements of the layers' frozen matrices. */
  private static long multipliedElements(DecoderPlan plan) {
    long elements = 0;
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        for (GroupPlan.Module module : group.modules()) {
          elements += module.trained() ? 0 : (long) module.out() * group.in();
        }
      }
    }
    return elements;
  }

  private static long frozenElements(DecoderPlan plan) {
    long trained = 0;
    for (var entry : plan.layout().entries()) {
      trained += entry.name().contains(".lora_") ? 0 : entry.size();
    }
    long table = (long) plan.config().vocabularySize() * plan.config().hiddenSize();
    boolean untied = plan.config().tiedEmbeddings() && !plan.sharesHead();
    return plan.config().parameters() + (untied ? table : 0) - trained;
  }

  /** All of it. */
  public long total() {
    return frozenWeights + parameters + gradients + optimizer + activations + head;
  }

  /**
   * Refuses a run that cannot fit.
   *
   * @param availableBytes what the machine has to give
   */
  public void requireWithin(long availableBytes) {
    if (total() > availableBytes) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The run needs %s of memory (%s) and the machine has %s."
              .formatted(gibibytes(total()), describe(), gibibytes(availableBytes)),
          "Use a smaller batch_size or sequence_length, LoRA instead of full_ft, or precision bf16.");
    }
  }

  /** The parts in words. */
  public String describe() {
    return "weights %s, trained parameters %s, gradients %s, optimizer %s, activations %s"
        .formatted(
            gibibytes(frozenWeights),
            gibibytes(parameters),
            gibibytes(gradients),
            gibibytes(optimizer),
            gibibytes(activations + head));
  }

  private static String gibibytes(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
  }
}
