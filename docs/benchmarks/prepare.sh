#!/usr/bin/env bash
# Raw instructions to a packed dataset, beside datasets.map with Hugging Face's tokenizer: the same file, tokenizer and template.
#
# Usage: PYTHON=path/to/python docs/benchmarks/prepare.sh SHARED [MEGABYTES]
#   PYTHON      a Python with datasets and transformers (default: python3)
#   SHARED      the folder with assets/ and peers/ (default: ../shared beside the checkout)
#   MEGABYTES   size of the file, made of English and Chinese instructions (default: 44)
#
# Both times hold everything from the start of the process to the written Parquet file. Leave the machine alone meanwhile.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
shared=${1:-$root/../shared}
megabytes=${2:-44}
assets=$shared/assets
[ -d "$assets/tokenizers/qwen2_5" ] || { echo "No tokenizer at $assets/tokenizers/qwen2_5; give the shared folder." >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every record occurs once: a number in front of each copy keeps caches from answering.
"$python" - "$assets/data/instruction-and-preference" "$work/data.jsonl" "$megabytes" <<'PY'
import json, sys
folder, target, limit = sys.argv[1], sys.argv[2], float(sys.argv[3]) * 1e6
records = [r for name in ("alpaca_en_demo", "alpaca_zh_demo") for r in json.load(open(f"{folder}/{name}.json"))]
with open(target, "w", encoding="utf-8") as out:
    written = copy = 0
    while written < limit:
        for record in records:
            line = json.dumps({"instruction": f"{copy}. {record['instruction']}", "input": record.get("input", ""),
                               "output": f"{record['output']} ({copy})"}, ensure_ascii=False) + "\n"
            out.write(line)
            written += len(line.encode())
        copy += 1
PY
mkdir "$work/model"
cp "$assets/tokenizers/qwen2_5/"* "$work/model/"
cp "$root/trainer/src/test/resources/reference/hf/qwen2-tiny/"{config.json,model.safetensors} "$work/model/"
cat >"$work/spec.yaml" <<YAML
name: prepare
output: $work/out
base_model: $work/model
tasks:
  - name: data
    task_type: prepare
    dataset: {sources: [$work/data.jsonl], sequence_length: 2048}
YAML

bytes=$(stat -c %s "$work/data.jsonl")
read -r load _ </proc/loadavg
"$root/spark-submit/sparktune" validate "$work/spec.yaml" >/dev/null 2>&1 || true # builds, if need be
start=$(date +%s.%N)
"$root/spark-submit/sparktune" run "$work/spec.yaml" >"$work/ours.log" 2>&1 || { cat "$work/ours.log" >&2; exit 1; }
end=$(date +%s.%N)
theirs=$("$python" "$shared/peers/datasets_map.py" "$assets/tokenizers/qwen2_5" "$work/data.jsonl" 2 2>"$work/theirs.log" | tail -n 1) ||
  { cat "$work/theirs.log" >&2; exit 1; }
tokens=$(sed -n 's/.*train_tokens \([0-9,]*\).*/\1/p' "$work/ours.log" | tail -n 1 | tr -d ,)
awk -v bytes="$bytes" -v start="$start" -v end="$end" -v tokens="$tokens" -v theirs="$theirs" -v load="$load" 'BEGIN {
  match(theirs, /"seconds": [0-9.]+/); peer = substr(theirs, RSTART + 11, RLENGTH - 11)
  seconds = end - start
  printf "Load average at the start: %s\n\n| | seconds | MB/s | tokens/s |\n|---|---|---|---|\n", load
  printf "| sparktune, JVM and Spark start included | %.1f | %.2f | %d |\n", seconds, bytes / 1e6 / seconds, tokens / seconds
  printf "| datasets.map, 2 processes, imports not included | %.1f | %.2f | |\n| ratio | %.1f | | |\n", peer, bytes / 1e6 / peer, peer / seconds
}'
