/**
 * Model files: GGUF and safetensors in and out, Hugging Face names ⇄ GGUF names, PEFT adapters. The
 * model reads its weights through {@link org.sparktune.trainer.modelfile.WeightSource} and knows no
 * format.
 */
package org.sparktune.trainer.modelfile;
