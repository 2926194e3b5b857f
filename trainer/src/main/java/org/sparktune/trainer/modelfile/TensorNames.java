package org.sparktune.trainer.modelfile;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparktune.trainer.modelfile.blocks.RowOrder;

/**
 * Hugging Face's names of modules and tensors ⇄ GGUF's, for one architecture. To add a family, add
 * what it calls differently here.
 */
public final class TensorNames {
  /** GGUF's name of the architecture whose query and key rows are interleaved. */
  public static final String INTERLEAVED_ARCHITECTURE = "llama";

  private static final Pattern HUGGING_FACE_LAYER =
      Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)");
  private static final Pattern GGUF_LAYER = Pattern.compile("blk\\.(\\d+)\\.(.+)");
  private static final Pattern PARAMETER = Pattern.compile("(.+)\\.(weight|bias)");

  private final String architecture;
  private final Map<String, String> outsideToGguf = new HashMap<>();
  private final Map<String, String> insideToGguf = new HashMap<>();
  private final Map<String, String> outsideToHuggingFace = new HashMap<>();
  private final Map<String, String> insideToHuggingFace = new HashMap<>();

  private TensorNames(String architecture) {
    this.architecture = architecture;
    outside("model.embed_tokens", "token_embd");
    outside("model.norm", "output_norm");
    outside("lm_head", "output");
    inside("input_layernorm", "attn_norm");
    inside("post_attention_layernorm", "ffn_norm");
    inside("self_attn.o_proj", "attn_output");
    inside("mlp.down_proj", "ffn_down");
    if (architecture.equals("phi3")) {
      inside("self_attn.qkv_proj", "attn_qkv");
      inside("mlp.gate_up_proj", "ffn_up");
    } else {
      inside("self_attn.q_proj", "attn_q");
      inside("self_attn.k_proj", "attn_k");
      inside("self_attn.v_proj", "attn_v");
      inside("mlp.gate_proj", "ffn_gate");
      inside("mlp.up_proj", "ffn_up");
    }
    if (architecture.equals("qwen3")) {
      inside("self_attn.q_norm", "attn_q_norm");
      inside("self_attn.k_norm", "attn_k_norm");
    }
  }

  /**
   * The names of an architecture.
   *
   * @param architecture the value of {@code general.architecture}: llama, qwen2, qwen3, phi3; one
   *     that is not known gets llama's names
   */
  public static TensorNames of(String architecture) {
    return new TensorNames(architecture);
  }

  /** GGUF's name of a module, {@code blk.0.attn_q} of {@code model.layers.0.self_attn.q_proj}. */
  public Optional<String> moduleToGguf(String module) {
    Matcher layer = HUGGING_FACE_LAYER.matcher(module);
    return layer.matches()
        ? Optional.ofNullable(insideToGguf.get(layer.group(2)))
            .map(name -> "blk." + layer.group(1) + "." + name)
        : Optional.ofNullable(outsideToGguf.get(module));
  }

  /** Hugging Face's name of a module. */
  public Optional<String> moduleToHuggingFace(String module) {
    Matcher layer = GGUF_LAYER.matcher(module);
    return layer.matches()
        ? Optional.ofNullable(insideToHuggingFace.get(layer.group(2)))
            .map(name -> "model.layers." + layer.group(1) + "." + name)
        : Optional.ofNullable(outsideToHuggingFace.get(module));
  }

  /** GGUF's name of a weight or bias. */
  public Optional<String> toGguf(String tensor) {
    Matcher parameter = PARAMETER.matcher(tensor);
    return parameter.matches()
        ? moduleToGguf(parameter.group(1)).map(module -> module + "." + parameter.group(2))
        : Optional.empty();
  }

  /** Hugging Face's name of a weight or bias. */
  public Optional<String> toHuggingFace(String tensor) {
    Matcher parameter = PARAMETER.matcher(tensor);
    return parameter.matches()
        ? moduleToHuggingFace(parameter.group(1)).map(module -> module + "." + parameter.group(2))
        : Optional.empty();
  }

  /** The order in which GGUF keeps the rows of a weight or bias, given by Hugging Face's name. */
  public RowOrder rowOrder(String tensor, int headSize) {
    Matcher parameter = PARAMETER.matcher(tensor);
    boolean interleaved =
        parameter.matches()
            && (interleavesQuery(parameter.group(1)) || interleavesKey(parameter.group(1)));
    return interleaved ? new RowOrder(headSize) : RowOrder.PLAIN;
  }

  /** Whether a module is a query projection whose rows GGUF interleaves. */
  boolean interleavesQuery(String module) {
    return architecture.equals(INTERLEAVED_ARCHITECTURE) && module.endsWith(".self_attn.q_proj");
  }

  /** Whether a module is a key projection whose rows GGUF interleaves. */
  boolean interleavesKey(String module) {
    return architecture.equals(INTERLEAVED_ARCHITECTURE) && module.endsWith(".self_attn.k_proj");
  }

  private void outside(String huggingFace, String gguf) {
    outsideToGguf.put(huggingFace, gguf);
    outsideToHuggingFace.put(gguf, huggingFace);
  }

  private void inside(String huggingFace, String gguf) {
    insideToGguf.put(huggingFace, gguf);
    insideToHuggingFace.put(gguf, huggingFace);
  }
}
