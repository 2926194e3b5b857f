package org.sparktune.trainer.engine;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * An engine whose memory the host cannot reach: another engine on the host, all of whose tensors
 * are marked as a device's. Operators refuse tensors of the host, and index arrays that were
 * changed after an earlier operator was given them, as an engine on a real device could not see it.
 */
public final class DeviceEngine implements InvocationHandler {
  /** Methods that take host tensors too. */
  private static final Set<String> TRANSFERS =
      Set.of("copy", "freeze", "freezeForTraining", "allocate", "arena");

  /** Methods that are made of others: they run as the interface has them, over this engine. */
  private static final Set<String> COMPOSED = Set.of("toArray", "set", "keyValueCache");

  private final Engine host;
  private final IdentityHashMap<int[], int[]> indexesSeen = new IdentityHashMap<>();
  private long hostBytes;

  private DeviceEngine(Engine host) {
    this.host = host;
  }

  /** A device over an engine of the host, which is closed with it. */
  public static Engine over(Engine host) {
    return (Engine)
        Proxy.newProxyInstance(
            Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, new DeviceEngine(host));
  }

  /** Bytes that have been copied between the host and the device. */
  public static long hostBytes(Engine device) {
    return ((DeviceEngine) Proxy.getInvocationHandler(device)).hostBytes;
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    String name = method.getName();
    if (COMPOSED.contains(name)) {
      return InvocationHandler.invokeDefault(proxy, method, arguments);
    }
    if (name.equals("copy")) {
      count((Tensor) arguments[0], (Tensor) arguments[1]);
    }
    Object[] translated = arguments == null ? null : arguments.clone();
    for (int i = 0; translated != null && i < translated.length; i++) {
      translated[i] = translate(translated[i], name);
    }
    try {
      return wrap(method.invoke(host, translated));
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void count(Tensor from, Tensor to) {
    if (from.place() != to.place()) {
      hostBytes += from.size() * from.type().bytes();
    }
  }

  private Object translate(Object argument, String method) {
    if (argument instanceof Tensor tensor) {
      return reached(tensor, method);
    }
    if (argument instanceof Tensor[] tensors) {
      Tensor[] all = new Tensor[tensors.length];
      Arrays.setAll(all, i -> reached(tensors[i], method));
      return all;
    }
    if (argument instanceof int[] indexes) {
      requireUnchanged(indexes, method);
      return indexes;
    }
    if (argument instanceof LowRanks factors) {
      List<LowRank> added = new ArrayList<>();
      for (LowRank factor : factors.added()) {
        added.add((LowRank) reached(factor, method));
      }
      return new LowRanks(
          reached(factors.down(), method), reached(factors.reduced(), method), added);
    }
    if (argument instanceof List<?> list) {
      List<Object> all = new ArrayList<>();
      for (Object element : list) {
        all.add(reached(element, method));
      }
      return all;
    }
    return argument;
  }

  private static Object reached(Object element, String method) {
    if (element instanceof LowRank factor) {
      return new LowRank(
          reached(factor.reduced(), method),
          reached(factor.up(), method),
          factor.scale(),
          factor.firstColumn());
    }
    if (element instanceof LowRankGradient gradient) {
      return new LowRankGradient(
          (LowRank) reached(gradient.factor(), method),
          reached(gradient.dUp(), method),
          reached(gradient.dReduced(), method));
    }
    return element;
  }

  private void requireUnchanged(int[] indexes, String method) {
    int[] seen = indexesSeen.putIfAbsent(indexes, indexes.clone());
    if (seen != null && !Arrays.equals(seen, indexes)) {
      throw new IllegalStateException(
          "Indexes given to %s differ from what an operator was given".formatted(method));
    }
  }

  private static Tensor reached(Tensor tensor, String method) {
    if (tensor.place() == Tensor.Place.DEVICE) {
      return new Tensor(tensor.type(), tensor.deviceAddress(), tensor.rowStride(), tensor.shape());
    }
    if (!TRANSFERS.contains(method)) {
      throw new IllegalStateException("%s was given %s of the host".formatted(method, tensor));
    }
    return tensor;
  }

  private static Object wrap(Object result) {
    if (result instanceof Tensor tensor) {
      return marked(tensor);
    }
    return result instanceof TensorArena arena ? new MarkedArena(arena) : result;
  }

  private static Tensor marked(Tensor tensor) {
    return Tensor.onDevice(tensor.type(), tensor.address(), tensor.rowStride(), tensor.shape());
  }

  /** Hands out tensors of the device. */
  private record MarkedArena(TensorArena host) implements TensorArena {
    @Override
    public Tensor allocate(DType type, long... shape) {
      return marked(host.allocate(type, shape));
    }

    @Override
    public long allocatedBytes() {
      return host.allocatedBytes();
    }

    @Override
    public void close() {
      host.close();
    }
  }
}
