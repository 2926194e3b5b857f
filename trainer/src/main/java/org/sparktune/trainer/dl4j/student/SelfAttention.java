package org.sparktune.trainer.dl4j.student;

import java.util.Map;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.nn.weights.WeightInitUtil;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Scaled dot-product self-attention (Vaswani et al. 2017) with one head as wide as the input and
 * four projections; tokens that the mask leaves out are not looked at. What DL4J's own layer of
 * that name computes, with the right gradient.
 */
public final class SelfAttention extends ExactLayer {
  private static final long serialVersionUID = 1L;
  static final String QUERY = "Wq";
  static final String KEY = "Wk";
  static final String VALUE = "Wv";
  static final String OUTPUT = "Wo";

  /** For DL4J's JSON. */
  @SuppressWarnings("unused")
  private SelfAttention() {}

  SelfAttention(long size) {
    super(size);
  }

  @Override
  public void defineParameters(SDLayerParams parameters) {
    parameters.clear();
    parameters.addWeightParam(QUERY, 1, size(), size());
    parameters.addWeightParam(KEY, 1, size(), size());
    parameters.addWeightParam(VALUE, 1, size(), size());
    parameters.addWeightParam(OUTPUT, size(), size());
  }

  @Override
  public void initializeParameters(Map<String, INDArray> parameters) {
    double fan = (double) size();
    for (INDArray values : parameters.values()) {
      WeightInitUtil.initWeights(fan, fan, values.shape(), WeightInit.XAVIER, null, 'c', values);
    }
  }

  @Override
  public SDVariable defineLayer(
      SameDiff sameDiff, SDVariable input, Map<String, SDVariable> parameters, SDVariable mask) {
    return sameDiff.nn.multiHeadDotProductAttention(
        getLayerName(),
        input,
        input,
        input,
        parameters.get(QUERY),
        parameters.get(KEY),
        parameters.get(VALUE),
        parameters.get(OUTPUT),
        mask,
        true);
  }
}
