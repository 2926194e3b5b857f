package org.sparktune.trainer.engine.cuda.runtime;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** The kernels of the resources, compiled and loaded when they are first asked for. */
public final class Kernels implements KernelFinder, AutoCloseable {
  private final Device device;
  private final KernelCompiler compiler;
  private final Map<String, CUmod_st> modules = new HashMap<>();

  /** Kernels for a GPU. */
  public Kernels(Device device) {
    this.device = device;
    this.compiler = new KernelCompiler(device.capability());
  }

  @Override
  public Kernel get(String file, String name, String... definitions) {
    device.makeCurrent();
    CUmod_st module =
        modules.computeIfAbsent(
            file + String.join(" ", definitions), key -> load(file, List.of(definitions)));
    CUfunc_st function = new CUfunc_st();
    Cuda.check(cudart.cuModuleGetFunction(function, module, name), "the kernel " + name);
    return new Kernel(device, function, name);
  }

  private CUmod_st load(String file, List<String> definitions) {
    byte[] code = compiler.compile(file, definitions);
    CUmod_st module = new CUmod_st();
    try (BytePointer image = new BytePointer(code)) {
      Cuda.check(cudart.cuModuleLoadData(module, image), "the kernels of " + file);
    }
    return module;
  }

  @Override
  public void close() {
    device.makeCurrent();
    modules.values().forEach(cudart::cuModuleUnload);
    modules.clear();
  }
}
