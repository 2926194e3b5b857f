/**
 * Files of any Hadoop file system on this machine: settings as Spark has them, and copies of models
 * that all processes of a host share.
 */
package org.sparktune.pipeline.storage;
