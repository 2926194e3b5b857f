/**
 * Models and adapters going out: whole models as GGUF or Hugging Face folders, LoRA as GGUF,
 * adapters merged into weights. Knows the decoder's configuration; reading, in the package above,
 * does not.
 */
package org.sparktune.trainer.modelfile.export;
