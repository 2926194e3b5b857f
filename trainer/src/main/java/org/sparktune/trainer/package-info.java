/**
 * Training without Spark: {@code memory} (off-heap tensors), {@code modelfile} (GGUF, safetensors,
 * PEFT), {@code model} (the decoder and LoRA), {@code engine} (the operators), {@code objective},
 * {@code optim} and {@code run} (the loop).
 */
package org.sparktune.trainer;
