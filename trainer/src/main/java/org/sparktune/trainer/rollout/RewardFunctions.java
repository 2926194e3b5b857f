package org.sparktune.trainer.rollout;

import java.lang.reflect.InvocationTargetException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Finds reward functions by name: the built-in ones, or a class on the classpath. */
public final class RewardFunctions {
  private static final Map<String, Supplier<RewardFunction>> BUILT_IN =
      new TreeMap<>(
          Map.of(
              "length", LengthReward::new, "words", WordReward::new, "answer", AnswerReward::new));

  private RewardFunctions() {}

  /**
   * Makes a function ready to score.
   *
   * @param name {@code length}, {@code words}, {@code answer}, or a class's full name
   * @param options for {@link RewardFunction#configure}
   * @throws SparktuneException {@code INVALID_SPEC} when there is no such class, it is no reward
   *     function, it cannot be made, or its options make no sense
   */
  public static RewardFunction open(String name, Map<String, String> options) {
    RewardFunction function =
        BUILT_IN.containsKey(name) ? BUILT_IN.get(name).get() : instance(load(name), name);
    try {
      function.configure(new TreeMap<>(options));
    } catch (RuntimeException e) {
      throw problem(name, "does not accept its options: " + e.getMessage(), "Correct them.", e);
    }
    return function;
  }

  private static Class<?> load(String name) {
    try {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      return Class.forName(
          name, true, loader == null ? RewardFunctions.class.getClassLoader() : loader);
    } catch (ClassNotFoundException | LinkageError e) {
      throw problem(
          name,
          "is neither built in (%s) nor a class on the classpath"
              .formatted(String.join(", ", BUILT_IN.keySet())),
          "Check the name, or give its jar in SPARKTUNE_JARS.",
          e);
    }
  }

  private static RewardFunction instance(Class<?> found, String name) {
    if (!RewardFunction.class.isAssignableFrom(found)) {
      throw problem(
          name,
          "does not implement " + RewardFunction.class.getName(),
          "Let the class implement it.",
          null);
    }
    try {
      return (RewardFunction) found.getConstructor().newInstance();
    } catch (InvocationTargetException e) {
      throw problem(
          name, "cannot be made (%s)".formatted(e.getCause()), "Correct its constructor.", e);
    } catch (ReflectiveOperationException e) {
      throw problem(
          name,
          "has no public constructor without parameters",
          "Make class and constructor public.",
          e);
    }
  }

  private static SparktuneException problem(
      String name, String what, String hint, Throwable cause) {
    return new SparktuneException(
        ErrorCode.INVALID_SPEC, "The reward function '%s' %s.".formatted(name, what), hint, cause);
  }
}
