package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * A rule for the modules whose name matches.
 *
 * @param match a module name in which {@code *} stands for any characters; a name without {@code *}
 *     matches as a suffix after a dot
 * @param freeze whether the modules are left untrained
 * @param rank their LoRA rank; 0 leaves it
 */
public record LayerPolicy(String match, boolean freeze, int rank) implements Serializable {}
