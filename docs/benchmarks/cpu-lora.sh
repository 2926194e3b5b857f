#!/usr/bin/env bash
# LoRA training steps on the CPU beside transformers + PEFT: same shapes, rank, batch, clipping and AdamW on random weights.
#
# Usage: PYTHON=path/to/python docs/benchmarks/cpu-lora.sh [PEERS] [CONFIGURATION...]
#   PYTHON          a Python with torch, transformers and peft (default: python3)
#   PEERS           the folder of the peer's script, cpu_lora_hf_peft.py (default: ../shared/peers beside the checkout)
#   CONFIGURATION   "SHAPE TYPE BATCH LENGTH", for instance "qwen2-50m bf16 4 512" (default: the four of the table)
#   ROUNDS          how often both run, alternately; the best of each counts (default: 2)
#   WARM_UP         steps of ours that are not timed, because a JVM compiles while it runs (default: 3; the peer's script has 1)
#
# Prints a Markdown table. Each run is a process of its own on two threads; a step's time is the median of five. Leave the
# machine alone meanwhile.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
peers=${1:-$root/../shared/peers}
rounds=${ROUNDS:-2}
warm_up=${WARM_UP:-3}
shift || true
configurations=("$@")
if [ ${#configurations[@]} -eq 0 ]; then
  configurations=("qwen2-50m fp32 4 512" "qwen2-50m bf16 4 512" "qwen2-0.5b fp32 1 512" "qwen2-0.5b bf16 1 512")
fi
peer=$peers/cpu_lora_hf_peft.py
[ -f "$peer" ] || { echo "No peer script at $peer; give its folder as the first argument." >&2; exit 2; }

cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# test-compile first: inside one build, the other modules' classes need no installed jar.
mvn -q -B -pl trainer -am test-compile dependency:build-classpath \
  -Dmdep.includeScope=test -Dmdep.outputFile="$work/\${project.artifactId}.classpath" >&2 \
  || { echo "The build failed." >&2; exit 1; }
classpath=$root/trainer/target/test-classes:$(cat "$work/trainer.classpath")
read -r -a options < <(sed -n 's|.*<jvm.options>\(.*\)</jvm.options>.*|\1|p' pom.xml)

ours() {
  java -Xmx1g "${options[@]}" -cp "$root/trainer/target/classes:$classpath" \
    org.sparktune.trainer.bench.LoraStepBenchmark $1 "$warm_up" 2>"$work/ours.log" | tail -n 1
}

theirs() {
  "$python" "$peer" $1 2>"$work/theirs.log" | tail -n 1
}

field() {
  sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" <<<"$2"
}

# The line with the higher number of tokens per second.
better() {
  local first second
  first=$(field tokens_per_s "$1")
  second=$(field tokens_per_s "$2")
  [ -n "$second" ] || { echo "A run printed no result:" >&2; cat "$work"/*.log >&2; exit 1; }
  if [ -z "$first" ] || awk "BEGIN { exit !($second > $first) }"; then echo "$2"; else echo "$1"; fi
}

read -r load _ </proc/loadavg
awk "BEGIN { exit !($load > 1.5) }" \
  && echo "Load average $load: figures mean little while others use the machine; the peer's threads suffer most." >&2
echo "| model | precision | batch | sparktune tokens/s | transformers + PEFT tokens/s | ratio | sparktune peak GiB | transformers + PEFT peak GiB |"
echo "|---|---|---|---|---|---|---|---|"
for configuration in "${configurations[@]}"; do
  read -r shape type batch length <<<"$configuration"
  best_ours=""
  best_theirs=""
  for ((round = 0; round < rounds; round++)); do
    best_theirs=$(better "$best_theirs" "$(theirs "$configuration")")
    best_ours=$(better "$best_ours" "$(ours "$configuration")")
  done
  mine=$(field tokens_per_s "$best_ours")
  other=$(field tokens_per_s "$best_theirs")
  printf '| %s | %s | %s × %s | %s | %s | %s | %s | %s |\n' "$shape" "$type" "$batch" "$length" "$mine" "$other" \
    "$(awk "BEGIN { printf \"%.2f\", $mine / $other }")" \
    "$(field peak_rss_gb "$best_ours")" "$(field peak_rss_gb "$best_theirs")"
done
