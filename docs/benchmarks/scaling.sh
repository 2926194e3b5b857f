#!/usr/bin/env bash
# One training on 1, 2 and 4 ranks of this machine: throughput, waiting, bytes, optimizer state, and whether the bits agree.
#
# Usage: docs/benchmarks/scaling.sh [RANKS...]        (default: 1 2 4)
#   STEPS   optimizer steps (default: 16; the first four are left out of the medians)
#
# Full fine-tuning of the quickstart's base model (2.6 million parameters, fp32), eight micro-batches a step, ranks as threads
# of one process that share the machine's cores: what is seen is the cost of being many, not the gain of more machines.
# Prints a Markdown table. Leave the machine alone meanwhile.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
steps=${STEPS:-16}
ranks=("$@")
[ ${#ranks[@]} -gt 0 ] || ranks=(1 2 4)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/scaling.yaml" <<YAML
name: scaling
output: $work/out
base_model: $root/conf/quickstart/base.gguf
tasks:
  - name: data
    task_type: prepare
    dataset: {sources: [$root/conf/quickstart/instructions.jsonl], sequence_length: 256}
  - name: tuned
    task_type: full_ft
    dataset: data
    hyperparams:
      max_steps: $steps
      learning_rate: 1.0e-4
      batch_size: 4
      gradient_accumulation_steps: 8
      precision: fp32
YAML

# The median of a field in the lines of steps after the fourth, over some files.
median() {
  local field=$1
  shift
  cat "$@" | sed -n "s/.*\"step\":\([0-9]*\),.*\"$field\":\([0-9.E-]*\).*/\1 \2/p" | awk '$1 > 4 {print $2}' | sort -g |
    awk '{value[NR] = $1} END {print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2}'
}

read -r load _ </proc/loadavg
echo "Load average at the start: $load, cores: $(nproc)"
echo
echo "| ranks | tokens/s | compute ms a step and rank | waiting ms | bytes sent a step and rank | optimizer bytes of each rank | model's SHA-256 |"
echo "|---|---|---|---|---|---|---|"
for count in "${ranks[@]}"; do
  output=$work/out-$count
  "$root/spark-submit/sparktune" run "$work/scaling.yaml" --output "$output" --set "executors=$count" >"$work/$count.log" 2>&1 ||
    { cat "$work/$count.log" >&2; exit 1; }
  task=$output/tuned
  speed=$(median tokens_per_s "$task/metrics.jsonl")
  compute=- waiting=- sent=-
  if [ "$count" -gt 1 ]; then
    compute=$(median compute_ms "$task"/ranks/*.jsonl)
    waiting=$(median wait_ms "$task"/ranks/*.jsonl)
    sent=$(median bytes_sent "$task"/ranks/*.jsonl)
  fi
  state=$(sed -n 's/.*owned, \([0-9,]*\) bytes of optimizer state.*/\1/p' "$work/$count.log" | sort -u | paste -sd' ')
  sum=$(cd "$task" && find model* -type f -exec sha256sum {} + | sort -k2 | sha256sum | cut -c1-16)
  echo "| $count | $speed | $compute | $waiting | $sent | ${state:-?} | $sum |"
done
