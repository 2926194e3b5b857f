/**
 * The engine on an NVIDIA GPU: cuBLASLt for large products, own kernels for everything else. A
 * class here launches the kernels of one family of operators, whose source is the resource of that
 * name; {@link org.sparktune.trainer.engine.cuda.runtime} is what they all stand on.
 */
package org.sparktune.trainer.engine.cuda;
