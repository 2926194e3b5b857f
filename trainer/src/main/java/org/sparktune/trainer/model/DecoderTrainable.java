package org.sparktune.trainer.model;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/**
 * A decoder in training towards an objective: its LoRA factors or the whole model, as its {@link
 * Tuning} says.
 */
public final class DecoderTrainable implements Trainable<Batch> {
  private final Decoder decoder;
  private final DecoderObjective objective;
  private long dropoutSeed;

  /**
   * Supervised fine-tuning.
   *
   * @param decoder a decoder of which something is trained
   */
  public DecoderTrainable(Decoder decoder) {
    this(decoder, new NextTokenObjective());
  }

  /**
   * @param decoder a decoder of which something is trained
   * @param objective what it is trained towards
   */
  public DecoderTrainable(Decoder decoder, DecoderObjective objective) {
    this.decoder = decoder;
    this.objective = objective;
  }

  /** The model. */
  public Decoder decoder() {
    return decoder;
  }

  @Override
  public ParameterLayout layout() {
    return decoder.trained().layout();
  }

  @Override
  public Tensor parameters() {
    return decoder.trained().values();
  }

  @Override
  public Tensor gradients() {
    return decoder.trained().gradients();
  }

  @Override
  public VectorOperators vectors() {
    return decoder.engine();
  }

  @Override
  public void parametersChanged() {
    decoder.parametersChanged();
  }

  /**
   * The trained parameters by name, in the order of the layout, as views of {@link #parameters()}.
   * LoRA factors have PEFT's names without its prefix, whole modules Hugging Face's. They lie in
   * the engine's memory.
   */
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterLayout.Entry entry : layout().entries()) {
      tensors.put(entry.name(), parameters().view(entry.offset(), entry.shape()));
    }
    return tensors;
  }

  /**
   * As {@link #tensors()}, for the host to read: the views themselves where the engine computes in
   * host memory, copies where it does not.
   *
   * @param copies holds copies
   */
  public Map<String, Tensor> hostTensors(Arena copies) {
    Map<String, Tensor> tensors = tensors();
    tensors.replaceAll((name, tensor) -> hostTensor(tensor, copies));
    return tensors;
  }

  private Tensor hostTensor(Tensor tensor, Arena copies) {
    if (tensor.place() == Tensor.Place.HOST) {
      return tensor;
    }
    Tensor copy = copies.allocate(tensor.type(), tensor.shape());
    decoder.engine().copy(tensor, copy);
    return copy;
  }

  /**
   * Sets every trained parameter but a value head's, for instance from an adapter.
   *
   * @param values F32 in host memory, by the names of {@link #tensors()}
   * @throws SparktuneException {@code MISMATCH} when names or shapes are not the model's
   */
  public void load(Map<String, Tensor> values) {
    Map<String, Tensor> tensors = tensors();
    // A critic starts anew: adapters don't have one.
    tensors.keySet().removeIf(ValueHead::owns);
    for (String name : values.keySet()) {
      if (!tensors.containsKey(name)) {
        throw misfit("%s is not a trained parameter of this model".formatted(name));
      }
    }
    tensors.forEach((name, tensor) -> requireFit(name, tensor, values.get(name)));
    tensors.forEach((name, tensor) -> decoder.engine().copy(values.get(name), tensor));
    parametersChanged();
  }

  private static void requireFit(String name, Tensor expected, Tensor value) {
    if (value == null) {
      throw misfit("%s is missing".formatted(name));
    }
    if (!Arrays.equals(expected.shape(), value.shape())) {
      throw misfit(
          "%s has the shape %s where the model needs %s"
              .formatted(name, Arrays.toString(value.shape()), Arrays.toString(expected.shape())));
    }
  }

  private static SparktuneException misfit(String problem) {
    return new SparktuneException(
        ErrorCode.MISMATCH,
        "The adapter does not fit the model: %s.".formatted(problem),
        "Use the adapter with the base model that it was trained on.");
  }

  @Override
  public void reseed(long seed) {
    dropoutSeed = seed;
  }

  @Override
  public long weight(Batch batch) {
    return objective.weight(batch);
  }

  @Override
  public List<String> figures() {
    return objective.figures();
  }

  @Override
  public boolean isLogLikelihood() {
    return objective.isLogLikelihood();
  }

  @Override
  public LossSum accumulate(Batch batch, double lossScale) {
    return accumulate(batch, lossScale, GradientListener.NONE);
  }

  @Override
  public LossSum accumulate(Batch batch, double lossScale, GradientListener listener) {
    return objective.accumulate(decoder, batch, lossScale, passage(), listener);
  }

  @Override
  public LossSum evaluate(Batch batch) {
    return objective.evaluate(decoder, batch);
  }

  private Passage passage() {
    float dropout = (float) decoder.plan().dropout();
    return dropout == 0 ? Passage.PLAIN : new Passage(true, dropout, dropoutSeed);
  }
}
