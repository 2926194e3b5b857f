/**
 * The ranks that train one model together, as each of them sees the others before and beside the
 * collective: how they meet and what they must agree on, how they share a host, and what they tell
 * the driver. Knows no Spark, so that threads of a test can be ranks.
 */
package org.sparktune.jobs.ranks;
