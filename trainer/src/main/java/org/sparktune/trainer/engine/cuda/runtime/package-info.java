/**
 * What the CUDA engine needs of the driver: a device with its context and one stream, memory,
 * copies through pinned staging, kernels compiled by NVRTC and kept on disk, cuBLASLt products.
 * Nothing here knows of models; nothing outside {@code engine.cuda} uses it, so machines without
 * CUDA never load its libraries.
 */
package org.sparktune.trainer.engine.cuda.runtime;
