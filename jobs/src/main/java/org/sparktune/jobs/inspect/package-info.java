/** What a model file, an adapter, a dataset or a checkpoint says about itself. */
package org.sparktune.jobs.inspect;
