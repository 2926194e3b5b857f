package org.sparktune.trainer.engine.cuda;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.Stopwatch;
import org.sparktune.trainer.memory.Tensor;

/** The GPU's time of every operator of a step, taken by events between them, without waiting. */
final class OperatorTimes implements AutoCloseable {
  private final Device device;
  private final ArrayDeque<Stopwatch> idle = new ArrayDeque<>();
  private final List<Call> calls = new ArrayList<>();

  private record Call(String name, Stopwatch watch) {}

  /** What calls of one name and shape came to. */
  private static final class Sum {
    private double milliseconds;
    private int calls;
  }

  OperatorTimes(Device device) {
    this.device = device;
  }

  /** An engine whose calls are timed. */
  Engine of(Engine engine) {
    return (Engine)
        Proxy.newProxyInstance(
            Engine.class.getClassLoader(),
            new Class<?>[] {Engine.class},
            (proxy, method, parameters) -> {
              Stopwatch watch = idle.isEmpty() ? new Stopwatch(device) : idle.pop();
              watch.start();
              try {
                return method.invoke(engine, parameters);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              } finally {
                watch.end();
                calls.add(new Call(name(method.getName(), parameters), watch));
              }
            });
  }

  private static String name(String method, Object[] parameters) {
    StringBuilder name = new StringBuilder(method);
    if (parameters != null && !method.equals("copy")) {
      for (Object parameter : parameters) {
        if (parameter instanceof Tensor tensor) {
          name.append(' ').append(tensor.rows()).append('x').append(tensor.columns());
        } else if (parameter instanceof Weight weight) {
          name.append(" W").append(weight.out()).append('x').append(weight.in());
        }
      }
    }
    return name.toString();
  }

  /** Forgets what was timed. */
  void clear() {
    for (Call call : calls) {
      idle.push(call.watch());
    }
    calls.clear();
  }

  /** Prints the sums, the largest first. */
  void print() {
    Map<String, Sum> sums = new TreeMap<>();
    double total = 0;
    for (Call call : calls) {
      Sum sum = sums.computeIfAbsent(call.name(), name -> new Sum());
      double milliseconds = call.watch().milliseconds();
      sum.milliseconds += milliseconds;
      sum.calls++;
      total += milliseconds;
    }
    sums.entrySet().stream()
        .sorted(Comparator.comparingDouble(entry -> -entry.getValue().milliseconds))
        .limit(60)
        .forEach(
            entry ->
                System.out.printf(
                    Locale.ROOT,
                    "%8.2f ms %5d calls  %s%n",
                    entry.getValue().milliseconds,
                    entry.getValue().calls,
                    entry.getKey()));
    if (total > 0) {
      System.out.printf(Locale.ROOT, "%8.2f ms in all operators%n", total);
    }
  }

  @Override
  public void close() {
    clear();
    idle.forEach(Stopwatch::close);
  }
}
