package org.sparktune.pipeline.prepare;

import java.io.Serializable;

/**
 * The use of a response in a pair.
 *
 * @param key where the pair's documents go; its last bit says which side this is
 * @param margin by how much the pair's chosen response is better
 */
record PairSide(DocumentKey key, float margin) implements Serializable {}
