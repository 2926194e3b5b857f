/**
 * Where the quickstart's files come from: a small world of facts and stories, the text that the
 * base model is trained on from scratch, and the instruction data that the quickstart fine-tunes it
 * with. {@code conf/quickstart/README.md} is the recipe.
 */
package org.sparktune.jobs.quickstart;
