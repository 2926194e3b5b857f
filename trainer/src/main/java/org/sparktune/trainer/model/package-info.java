/**
 * Decoder configurations, the decoder itself with its backward pass, LoRA, heads, and generation
 * with a key/value cache.
 */
package org.sparktune.trainer.model;
