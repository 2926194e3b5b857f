package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * A rule for the modules whose name matches.
 *
 * @param match a module's name such as {@code model.layers.0}, which means all in it too, the end
 *     of a name, or a regular expression for one
 * @param freeze whether the modules are left untrained
 * @param rank their LoRA rank; 0 leaves it
 */
public record LayerPolicy(String match, boolean freeze, int rank) implements Serializable {}
