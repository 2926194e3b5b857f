package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Map;

/**
 * The numbers of a schedule that has some.
 *
 * @param rate of step, exponential, inverse and sigmoid
 * @param steps of step, poly, sigmoid, cycle and ramp
 * @param power of poly and inverse
 * @param points of map: shares of the peak by the step since the warm-up from which they hold
 */
public record ScheduleShape(double rate, int steps, double power, Map<String, Double> points)
    implements Serializable {}
