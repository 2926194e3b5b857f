/**
 * Where a run keeps what it makes: folders of this machine or of any Hadoop file system, and the
 * local folder in which a task works when its own is elsewhere.
 */
package org.sparktune.jobs.storage;
