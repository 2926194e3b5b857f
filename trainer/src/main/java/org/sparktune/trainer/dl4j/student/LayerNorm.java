package org.sparktune.trainer.dl4j.student;

import java.util.Map;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Layer normalization (Ba et al. 2016) of every token's values, with gain and bias. DL4J has it
 * only inside other layers.
 */
public final class LayerNorm extends ExactLayer {
  private static final long serialVersionUID = 1L;
  static final String GAIN = "gain";
  static final String BIAS = "bias";

  /** For DL4J's JSON. */
  @SuppressWarnings("unused")
  private LayerNorm() {}

  LayerNorm(long size) {
    super(size);
  }

  @Override
  public void defineParameters(SDLayerParams parameters) {
    parameters.clear();
    parameters.addWeightParam(GAIN, size());
    parameters.addBiasParam(BIAS, size());
  }

  @Override
  public void initializeParameters(Map<String, INDArray> parameters) {
    parameters.get(GAIN).assign(1);
    parameters.get(BIAS).assign(0);
  }

  @Override
  public SDVariable defineLayer(
      SameDiff sameDiff, SDVariable input, Map<String, SDVariable> parameters, SDVariable mask) {
    return sameDiff.nn.layerNorm(
        getLayerName(), input, parameters.get(GAIN), parameters.get(BIAS), true, 1);
  }
}
