/**
 * Conversations to token ids: the model's own chat template, and which tokens of the rendering
 * carry loss because the assistant says them.
 */
package org.sparktune.tokenizer.chat;
