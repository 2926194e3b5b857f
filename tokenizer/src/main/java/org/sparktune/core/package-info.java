/**
 * What every other room shares: the one exception type a user meets, content fingerprints, and the
 * manifest that describes a dataset on storage (the pipeline writes it, the trainer reads it).
 */
package org.sparktune.core;
