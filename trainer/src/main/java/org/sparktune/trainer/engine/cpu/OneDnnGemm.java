package org.sparktune.trainer.engine.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.Pointer;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Scratch;

/**
 * Products through oneDNN's matmul primitive, made once for every shape and kept. Operands that
 * change lie in plain row-major layout; frozen matrices may be {@linkplain #pack packed}.
 */
final class OneDnnGemm implements Gemm {
  private static final int KEPT_PRIMITIVES = 1024;

  /** oneDNN is asked for the layout that suits so many rows; all numbers of rows use it. */
  private static final int ROWS_PACKED_FOR = 256;

  private final dnnl_engine engine;
  private final dnnl_stream stream = new dnnl_stream();
  private final Scratch scratch = new Scratch("oneDNN scratch");
  private final Address operand = new Address();
  private final Map<GemmShape, Matmul> primitives =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<GemmShape, Matmul> eldest) {
          boolean full = size() > KEPT_PRIMITIVES;
          if (full) {
            eldest.getValue().close();
          }
          return full;
        }
      };

  OneDnnGemm(dnnl_engine engine) {
    this.engine = engine;
    check(dnnl_stream_create(stream, engine, dnnl_stream_default_flags));
  }

  @Override
  public void multiply(GemmShape shape, long a, long b, long bias, long c) {
    Matmul matmul = primitives.get(shape);
    if (matmul == null) {
      matmul = new Matmul(shape);
      primitives.put(shape, matmul);
    }
    matmul.run(a, b, bias, c);
  }

  @Override
  public long packedBytes(int inner, int columns, boolean bf16) {
    dnnl_memory_desc layout = packedLayout(inner, columns, bf16);
    long bytes = dnnl_memory_desc_get_size(layout);
    check(dnnl_memory_desc_destroy(layout));
    return bytes;
  }

  @Override
  public void pack(GemmShape shape, long b, long packed) {
    dnnl_memory_desc layout = packedLayout(shape.inner(), shape.columns(), shape.bf16());
    dnnl_memory_desc plain = right(shape);
    dnnl_primitive_desc descriptor = new dnnl_primitive_desc();
    dnnl_primitive reorder = new dnnl_primitive();
    dnnl_memory from = new dnnl_memory();
    dnnl_memory to = new dnnl_memory();
    check(dnnl_reorder_primitive_desc_create(descriptor, plain, engine, layout, engine, null));
    check(dnnl_primitive_create(reorder, descriptor));
    check(dnnl_memory_create(from, plain, engine, operand.at(b)));
    check(dnnl_memory_create(to, layout, engine, operand.at(packed)));
    try (dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(2)) {
      arguments.position(0).arg(DNNL_ARG_FROM).memory(from);
      arguments.position(1).arg(DNNL_ARG_TO).memory(to);
      check(dnnl_primitive_execute(reorder, stream, 2, arguments.position(0)));
    }
    check(dnnl_memory_destroy(from));
    check(dnnl_memory_destroy(to));
    check(dnnl_primitive_destroy(reorder));
    check(dnnl_primitive_desc_destroy(descriptor));
    check(dnnl_memory_desc_destroy(plain));
    check(dnnl_memory_desc_destroy(layout));
  }

  /** The layout that oneDNN prefers for the second operand, whatever the number of rows. */
  private dnnl_memory_desc packedLayout(int inner, int columns, boolean bf16) {
    int type = operandType(bf16);
    dnnl_memory_desc a = matrix(type, ROWS_PACKED_FOR, inner, inner, false);
    dnnl_memory_desc c = matrix(dnnl_f32, ROWS_PACKED_FOR, columns, columns, false);
    dnnl_memory_desc any = new dnnl_memory_desc();
    check(
        dnnl_memory_desc_create_with_tag(
            any, 2, new long[] {inner, columns}, type, dnnl_format_tag_any));
    dnnl_primitive_desc descriptor = new dnnl_primitive_desc();
    check(dnnl_matmul_primitive_desc_create(descriptor, engine, a, any, null, c, null));
    dnnl_memory_desc layout = new dnnl_memory_desc();
    check(
        dnnl_memory_desc_clone(
            layout, dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 0)));
    check(dnnl_primitive_desc_destroy(descriptor));
    check(dnnl_memory_desc_destroy(a));
    check(dnnl_memory_desc_destroy(any));
    check(dnnl_memory_desc_destroy(c));
    return layout;
  }

  private dnnl_memory_desc right(GemmShape shape) {
    if (shape.packedB()) {
      return packedLayout(shape.inner(), shape.columns(), shape.bf16());
    }
    return matrix(
        operandType(shape.bf16()),
        shape.inner(),
        shape.columns(),
        shape.strideB(),
        shape.transposeB());
  }

  private static int operandType(boolean bf16) {
    return bf16 ? dnnl_bf16 : dnnl_f32;
  }

  private static dnnl_memory_desc matrix(
      int type, long rows, long columns, long stride, boolean transposed) {
    dnnl_memory_desc descriptor = new dnnl_memory_desc();
    long[] strides = transposed ? new long[] {1, stride} : new long[] {stride, 1};
    check(
        dnnl_memory_desc_create_with_strides(
            descriptor, 2, new long[] {rows, columns}, type, strides));
    return descriptor;
  }

  @Override
  public void close() {
    primitives.values().forEach(Matmul::close);
    primitives.clear();
    check(dnnl_stream_destroy(stream));
    scratch.close();
  }

  static void check(int status) {
    if (status != dnnl_success) {
      throw new SparktuneException(
          ErrorCode.INTERNAL,
          "oneDNN failed with status %d.".formatted(status),
          "Please report this with the model's configuration.");
    }
  }

  /** A pointer whose address changes with every call, so that calls allocate none. */
  private static final class Address extends Pointer {
    Address() {
      super((Pointer) null);
    }

    Address at(long newAddress) {
      this.address = newAddress;
      return this;
    }
  }

  /** One primitive with its memory descriptors. */
  private final class Matmul {
    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_memory left = new dnnl_memory();
    private final dnnl_memory right = new dnnl_memory();
    private final dnnl_memory offset;
    private final dnnl_memory result = new dnnl_memory();
    private final dnnl_memory work = new dnnl_memory();
    private final long workBytes;
    private final dnnl_exec_arg_t arguments;
    private final int argumentCount;

    Matmul(GemmShape shape) {
      dnnl_memory_desc a =
          matrix(
              operandType(shape.bf16()),
              shape.rows(),
              shape.inner(),
              shape.strideA(),
              shape.transposeA());
      dnnl_memory_desc b = right(shape);
      dnnl_memory_desc c = matrix(dnnl_f32, shape.rows(), shape.columns(), shape.strideC(), false);
      dnnl_memory_desc bias =
          shape.bias() ? matrix(dnnl_f32, 1, shape.columns(), shape.columns(), false) : null;
      dnnl_primitive_attr attributes = attributes(shape);
      dnnl_primitive_desc descriptor = new dnnl_primitive_desc();
      check(dnnl_matmul_primitive_desc_create(descriptor, engine, a, b, bias, c, attributes));
      check(dnnl_primitive_create(primitive, descriptor));
      dnnl_memory_desc workspace =
          dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
      workBytes = dnnl_memory_desc_get_size(workspace);
      Pointer none = operand.at(0);
      check(dnnl_memory_create(left, a, engine, none));
      check(dnnl_memory_create(right, b, engine, none));
      check(dnnl_memory_create(result, c, engine, none));
      check(dnnl_memory_create(work, workspace, engine, none));
      offset = bias == null ? null : new dnnl_memory();
      if (offset != null) {
        check(dnnl_memory_create(offset, bias, engine, none));
      }
      argumentCount = offset == null ? 4 : 5;
      arguments = new dnnl_exec_arg_t(argumentCount);
      argument(0, DNNL_ARG_SRC, left);
      argument(1, DNNL_ARG_WEIGHTS, right);
      argument(2, DNNL_ARG_DST, result);
      argument(3, DNNL_ARG_SCRATCHPAD, work);
      if (offset != null) {
        argument(4, DNNL_ARG_BIAS, offset);
        check(dnnl_memory_desc_destroy(bias));
      }
      arguments.position(0);
      check(dnnl_memory_desc_destroy(a));
      check(dnnl_memory_desc_destroy(b));
      check(dnnl_memory_desc_destroy(c));
      check(dnnl_primitive_desc_destroy(descriptor));
      check(dnnl_primitive_attr_destroy(attributes));
    }

    void run(long a, long b, long bias, long c) {
      check(dnnl_memory_set_data_handle(left, operand.at(a)));
      check(dnnl_memory_set_data_handle(right, operand.at(b)));
      check(dnnl_memory_set_data_handle(result, operand.at(c)));
      check(dnnl_memory_set_data_handle(work, operand.at(scratch.reserve(workBytes))));
      if (offset != null) {
        check(dnnl_memory_set_data_handle(offset, operand.at(bias)));
      }
      check(dnnl_primitive_execute(primitive, stream, argumentCount, arguments));
    }

    void close() {
      check(dnnl_primitive_destroy(primitive));
      check(dnnl_memory_destroy(left));
      check(dnnl_memory_destroy(right));
      check(dnnl_memory_destroy(result));
      check(dnnl_memory_destroy(work));
      if (offset != null) {
        check(dnnl_memory_destroy(offset));
      }
      arguments.deallocate();
    }

    private void argument(int index, int name, dnnl_memory memory) {
      arguments.position(index).arg(name).memory(memory);
    }

    private dnnl_primitive_attr attributes(GemmShape shape) {
      dnnl_primitive_attr attributes = new dnnl_primitive_attr();
      check(dnnl_primitive_attr_create(attributes));
      check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
      dnnl_post_ops operations = new dnnl_post_ops();
      check(dnnl_post_ops_create(operations));
      if (shape.alpha() != 1) {
        check(dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_linear, shape.alpha(), 0));
      }
      if (shape.beta() != 0) {
        check(dnnl_post_ops_append_sum(operations, shape.beta(), 0, dnnl_data_type_undef));
      }
      check(dnnl_primitive_attr_set_post_ops(attributes, operations));
      check(dnnl_post_ops_destroy(operations));
      return attributes;
    }
  }

  /** Loads oneDNN; its products run on one thread each. */
  static final class OneDnn implements Provider {
    private final dnnl_engine engine = new dnnl_engine();
    private final OpenMp openMp;

    OneDnn() {
      openMp = new OpenMp();
      check(dnnl_engine_create(engine, dnnl_cpu, 0));
    }

    @Override
    public String description() {
      return "oneDNN %d.%d.%d (%s)"
          .formatted(dnnl_version().major(), dnnl_version().minor(), dnnl_version().patch(), isa());
    }

    @Override
    public boolean takesBf16() {
      return has(dnnl_cpu_isa_avx512_core);
    }

    @Override
    public boolean hasNativeBf16() {
      return has(dnnl_cpu_isa_avx512_core_bf16);
    }

    @Override
    public boolean packs() {
      return true;
    }

    private static boolean has(int instructions) {
      return (dnnl_get_effective_cpu_isa() & instructions) == instructions;
    }

    @Override
    public Gemm create() {
      openMp.useOneThread();
      return new OneDnnGemm(engine);
    }

    @Override
    public int enter() {
      return openMp.useOneThread();
    }

    @Override
    public void leave(int restore) {
      openMp.useThreads(restore);
    }

    private static String isa() {
      return switch (dnnl_get_effective_cpu_isa()) {
        case dnnl_cpu_isa_avx2 -> "AVX2";
        case dnnl_cpu_isa_avx2_vnni, dnnl_cpu_isa_avx2_vnni_2 -> "AVX2 VNNI";
        case dnnl_cpu_isa_avx512_core -> "AVX-512";
        case dnnl_cpu_isa_avx512_core_vnni -> "AVX-512 VNNI";
        case dnnl_cpu_isa_avx512_core_bf16 -> "AVX-512 BF16";
        case dnnl_cpu_isa_avx512_core_fp16 -> "AVX-512 FP16";
        case dnnl_cpu_isa_avx512_core_amx, dnnl_cpu_isa_avx512_core_amx_fp16 -> "AMX";
        default -> "ISA 0x%x".formatted(dnnl_get_effective_cpu_isa());
      };
    }
  }
}
