package org.sparktune.trainer.model;

import java.util.Locale;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.quantize.Nf4Matrix;

/**
 * The bytes that a run will need, known before anything is allocated. Activations are counted by
 * the code that lays them out.
 *
 * @param frozenWeights weights that training does not change, in the engine's precision, and the
 *     copies of them that make products faster
 * @param parameters trained parameters, F32, and the engine's BF16 copies of their matrices
 * @param gradients their gradients and partial sums of them, F32
 * @param optimizer the optimizer's state, F32: with AdamW two moments for each owned parameter
 * @param activations what forward leaves for backward, memory that blocks share, cosines and sines
 * @param head rows that carry loss, before and behind the final norm
 * @param scratch what the engine takes for itself, logits in chunks among it
 */
public record MemoryEstimate(
    long frozenWeights,
    long parameters,
    long gradients,
    long optimizer,
    long activations,
    long head,
    long scratch) {
  /**
   * Estimates a training run.
   *
   * @param tuning what is trained
   * @param batch the largest micro-batch
   * @param engine what will compute
   */
  public static MemoryEstimate training(
      DecoderConfig config, Tuning tuning, BatchSize batch, EngineFootprint engine) {
    return training(config, tuning, batch, engine, Sharing.ALONE);
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
      BatchSize batch,
      EngineFootprint engine,
      Sharing sharing) {
    DecoderPlan plan = DecoderPlan.of(config, tuning);
    long trained = plan.layout().size();
    int owners = Slices.groups(sharing.ranks());
    long owned = (trained + owners - 1) / owners;
    long matrices = trainedMatrices(plan);
    ElementTypes types = ElementTypes.of(engine);
    long operandBytes = types.operand().bytes();
    long copies = copies(plan, engine, matrices) * operandBytes;
    return new MemoryEstimate(
        frozenBytes(plan, engine, operandBytes),
        trained * Float.BYTES + copies,
        (1L + sharing.partialSums()) * trained * Float.BYTES,
        sharing.statePerParameter() * owned * Float.BYTES,
        Workspace.bytes(plan, true, batch.tokens(), types)
            + RopeTable.bytes(config, batch.sequenceLength()),
        SelectedRows.bytes(config.hiddenSize(), batch.tokens(), types),
        engine.scratchBytes(demand(plan, batch, true, matrices > 0)));
  }

  /**
   * The same for a run that samples what it learns from: beside what training needs, a key/value
   * cache and next-token logits of all responses that are sampled together, and a pass of the
   * reference.
   *
   * @param sampled prompts with full responses that are sampled together
   * @param batch the largest batch that the reference scores
   */
  public MemoryEstimate withSampling(
      DecoderConfig config,
      Tuning tuning,
      BatchSize sampled,
      BatchSize batch,
      EngineFootprint engine) {
    ElementTypes types = ElementTypes.of(engine);
    long cached = 2L * config.layers() * config.keyColumns() * types.activation().bytes();
    long logits = (long) sampled.rows() * config.vocabularySize() * Float.BYTES;
    long scoring = Workspace.bytes(DecoderPlan.of(config, tuning), false, batch.tokens(), types);
    return new MemoryEstimate(
        frozenWeights,
        parameters,
        gradients,
        optimizer,
        activations + cached * sampled.tokens() + logits + scoring,
        head,
        scratch);
  }

  /**
   * The same for an objective that asks the model without its adapter, too: one more set of the
   * memory that blocks share.
   *
   * @param batch the largest batch
   */
  public MemoryEstimate withReferencePass(
      DecoderConfig config, Tuning tuning, BatchSize batch, EngineFootprint engine) {
    ElementTypes types = ElementTypes.of(engine);
    long scoring = Workspace.bytes(DecoderPlan.of(config, tuning), false, batch.tokens(), types);
    return new MemoryEstimate(
        frozenWeights, parameters, gradients, optimizer, activations + scoring, head, scratch);
  }

  /**
   * The same for pairs whose prompts are computed once, as if none were: what attention copies
   * comes on top.
   *
   * @param batch the largest batch
   */
  public MemoryEstimate withSharedPrompts(
      DecoderConfig config, BatchSize batch, EngineFootprint engine) {
    long copies =
        DocumentAttention.bytes(config.attention(0), batch.tokens(), ElementTypes.of(engine));
    return new MemoryEstimate(
        frozenWeights, parameters, gradients, optimizer, activations + copies, head, scratch);
  }

  /** The same with another set of the trained parameters, and room to change places with it. */
  public MemoryEstimate withTargetCritic(DecoderConfig config, Tuning tuning) {
    long trained = DecoderPlan.of(config, tuning).layout().size();
    return new MemoryEstimate(
        frozenWeights,
        parameters + 3 * trained * Float.BYTES,
        gradients,
        optimizer,
        activations,
        head,
        scratch);
  }

  /**
   * The same beside copies of the model that sample: everything but the optimizer's state, at most.
   *
   * @param copies how many
   */
  public MemoryEstimate withCopies(int copies) {
    int all = 1 + copies;
    return new MemoryEstimate(
        all * frozenWeights,
        all * parameters,
        all * gradients,
        optimizer,
        all * activations,
        all * head,
        all * scratch);
  }

  /**
   * Estimates evaluation.
   *
   * @param tuning nothing, or the adapter that is on the model, which is held as training holds it
   * @param batch the largest batch
   */
  public static MemoryEstimate evaluation(
      DecoderConfig config, Tuning tuning, BatchSize batch, EngineFootprint engine) {
    DecoderPlan plan = DecoderPlan.of(config, tuning);
    long trained = plan.layout().size();
    ElementTypes types = ElementTypes.of(engine);
    return new MemoryEstimate(
        frozenBytes(plan, engine, types.operand().bytes()),
        trained * Float.BYTES,
        trained * Float.BYTES,
        0,
        Workspace.bytes(plan, false, batch.tokens(), types)
            + RopeTable.bytes(config, batch.sequenceLength()),
        SelectedRows.bytes(config.hiddenSize(), batch.tokens(), types),
        engine.scratchBytes(demand(plan, batch, false, false)));
  }

  private static ScratchDemand demand(
      DecoderPlan plan, BatchSize batch, boolean backward, boolean trainsMatrices) {
    int widestInput = 0;
    int widestOutput = 0;
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        widestInput = Math.max(widestInput, group.in());
        widestOutput = Math.max(widestOutput, group.out());
      }
    }
    return new ScratchDemand(
        batch.tokens(),
        Math.min(batch.sequenceLength(), batch.tokens()),
        widestInput,
        widestOutput,
        plan.config().vocabularySize(),
        plan.config().attention(0),
        backward,
        trainsMatrices,
        plan.tuning().base().equals(BaseStorage.FULL) ? 0 : largestFrozenGroup(plan));
  }

  /** What is not trained, in full or in few bits, and second copies of what is in full. */
  private static long frozenBytes(DecoderPlan plan, EngineFootprint engine, long operandBytes) {
    long all = frozenElements(plan);
    long multiplied = multipliedElements(plan);
    BaseStorage base = plan.tuning().base();
    if (base instanceof BaseStorage.Nf4 nf4) {
      return (all - multiplied) * operandBytes
          + Nf4Matrix.bytes(multiplied, nf4.doubleQuantization());
    }
    if (base instanceof BaseStorage.EightBits) {
      return (all - multiplied) * operandBytes + (engine.multipliesFp8() ? 2 : 1) * multiplied;
    }
    if (base instanceof BaseStorage.Stored stored) {
      return (all - multiplied) * operandBytes + Math.round(multiplied * stored.bytesPerElement());
    }
    boolean once = plan.tuning() instanceof Tuning.Nothing;
    return all * operandBytes + (once ? 0 : engine.secondCopyBytes(multiplied * operandBytes));
  }

  private static long largestFrozenGroup(DecoderPlan plan) {
    long largest = 0;
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        largest = Math.max(largest, frozenElements(group));
      }
    }
    return largest;
  }

  /** Elements of trained matrices in the type that products take, where that is another. */
  private static long copies(DecoderPlan plan, EngineFootprint engine, long matrices) {
    if (engine.operandType() == DType.F32) {
      return 0;
    }
    if (engine.copiesTracked(plan.layout().size())) {
      return matrices;
    }
    // The largest that one product takes: neighbours, or the head.
    long largest = (long) plan.config().vocabularySize() * plan.config().hiddenSize();
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        largest = Math.max(largest, (long) group.out() * group.in());
      }
    }
    return Math.min(matrices, largest);
  }

  private static long trainedMatrices(DecoderPlan plan) {
    long elements = 0;
    for (var entry : plan.layout().entries()) {
      boolean factor = entry.name().contains(".lora_") || isAdded(entry.name());
      if (entry.shape().length == 2 && !factor) {
        elements += entry.size();
      }
    }
    return elements;
  }

  /** Elements of the layers' frozen matrices. */
  private static long multipliedElements(DecoderPlan plan) {
    long elements = 0;
    for (DecoderPlan.LayerPlan layer : plan.layers()) {
      for (GroupPlan group : layer.groups()) {
        elements += frozenElements(group);
      }
    }
    return elements;
  }

  private static long frozenElements(GroupPlan group) {
    long elements = 0;
    for (GroupPlan.Module module : group.modules()) {
      elements += module.trained() ? 0 : (long) module.out() * group.in();
    }
    return elements;
  }

  /** Whether a parameter is a head that the base model lacks. */
  private static boolean isAdded(String parameter) {
    return ValueHead.owns(parameter) || HeadNames.own(parameter);
  }

  private static long frozenElements(DecoderPlan plan) {
    long trained = 0;
    for (var entry : plan.layout().entries()) {
      boolean added = entry.name().contains(".lora_") || isAdded(entry.name());
      trained += added ? 0 : entry.size();
    }
    long table = (long) plan.config().vocabularySize() * plan.config().hiddenSize();
    if (plan.hasScoreHead()) {
      long headless = plan.config().parameters() - (plan.config().tiedEmbeddings() ? 0 : table);
      return headless - trained;
    }
    boolean untied = plan.config().tiedEmbeddings() && !plan.sharesHead();
    return plan.config().parameters() + (untied ? table : 0) - trained;
  }

  /** All of it. */
  public long total() {
    return frozenWeights + parameters + gradients + optimizer + activations + head + scratch;
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
    return "weights %s, trained parameters %s, gradients %s, optimizer %s, activations %s, scratch %s"
        .formatted(
            gibibytes(frozenWeights),
            gibibytes(parameters),
            gibibytes(gradients),
            gibibytes(optimizer),
            gibibytes(activations + head),
            gibibytes(scratch));
  }

  private static String gibibytes(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
  }
}
