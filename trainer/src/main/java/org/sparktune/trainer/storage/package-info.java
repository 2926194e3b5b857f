/** Files on any Hadoop file system that are there whole or not at all. */
package org.sparktune.trainer.storage;
