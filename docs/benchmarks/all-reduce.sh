#!/usr/bin/env bash
# All-reduce of fp32 buckets between processes of one host: ours over shared memory and over UDP on the loopback interface,
# beside Gloo (PyTorch), Open MPI and one thread's memory copy, in one run.
#
# Usage: PYTHON=path/to/python docs/benchmarks/all-reduce.sh [PEERS]
#   PYTHON   a Python with torch (default: python3); without torch Gloo is left out
#   PEERS    the folder of the peer's script, gloo_allreduce.py (default: ../shared/peers beside the checkout)
#   RANKS    numbers of ranks (default: "2 4")
#   SIZES    MiB (default: "1 16 64 256")
#   ROUNDS   how often everything runs, alternately; the best median of each counts (default: 1)
# Open MPI takes part when mpicc is there (Debian: openmpi-bin, libopenmpi-dev).
#
# Prints a Markdown table of bus bandwidths, 2(n-1)/n · bytes / time in GB/s; a time is the median of ten rounds after two.
# Ours come after 100 all-reduces of 16 MiB, until the JVM has compiled what they use; the others measure every size twice, and their better
# median counts.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
peers=${1:-$root/../shared/peers}
read -r -a sizes <<<"${SIZES:-1 16 64 256}"
read -r -a numbers <<<"${RANKS:-2 4}"
rounds=${ROUNDS:-1}

cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "${CLASSPATH_FILE:-}" ]; then
  classpath=$(cat "$CLASSPATH_FILE")
else
  # test-compile first: inside one build, the other modules' classes need no installed jar.
  mvn -q -B -pl trainer -am test-compile dependency:build-classpath \
    -Dmdep.includeScope=test -Dmdep.outputFile="$work/\${project.artifactId}.classpath" >&2 \
    || { echo "The build failed." >&2; exit 1; }
  classpath=$root/trainer/target/test-classes:$root/trainer/target/classes:$(cat "$work/trainer.classpath")
fi
read -r -a options < <(sed -n 's|.*<jvm.options>\(.*\)</jvm.options>.*|\1|p' pom.xml)

ours() {
  java -Xmx256m "${options[@]}" "$@" 2>>"$work/ours.log" | grep '^RESULT' || true
}

benchmark=(-cp "$classpath")
main=org.sparktune.trainer.collective.aeron.AllReduceBenchmark

if command -v mpicc >/dev/null; then
  mpicc -O2 -o "$work/mpi" docs/benchmarks/all_reduce_mpi.c
fi

# Every line: name, ranks, MiB, GB/s.
collect() {
  awk -v name="$1" '/^RESULT/ { print name, $2, $3, $6 }'
}

for ((round = 0; round < rounds; round++)); do
  for ranks in "${numbers[@]}"; do
    ours -Dmedium=IPC "${benchmark[@]}" "$main" "$ranks" "${sizes[@]}" | collect ipc
    ours -Dmedium=UDP -DmtuLength=65504 "${benchmark[@]}" "$main" "$ranks" "${sizes[@]}" | collect udp-65504
    if "$python" -c 'import torch' 2>/dev/null; then
      "$python" "$peers/gloo_allreduce.py" "$ranks" "${sizes[@]}" "${sizes[@]}" 2>>"$work/gloo.log" |
        awk '/^gloo/ { split($2, r, "="); print "gloo", r[2], $3, $(NF-1) }'
    fi
    if [ -x "$work/mpi" ]; then
      mpirun --allow-run-as-root --oversubscribe -n "$ranks" "$work/mpi" "${sizes[@]}" "${sizes[@]}" 2>>"$work/mpi.log" | collect mpi
    fi
    # 1408 bytes is what ordinary networks carry; one size shows what it costs.
    ours -Dmedium=UDP "${benchmark[@]}" "$main" "$ranks" 16 | collect udp-1408
  done
  ours "${benchmark[@]}" "$main" copy "${sizes[@]}" | collect memcpy
done | tee "$work/results" >&2

value() {
  awk -v name="$1" -v ranks="$2" -v size="$3" \
    '$1 == name && $2 == ranks && $3 == size && $4 > best { best = $4 } END { printf "%s", best ? best : "–" }' "$work/results"
}

read -r load _ </proc/loadavg
echo "Load average $load at the end." >&2
echo "| ranks | MiB | ours, shared memory | ours, UDP 65504 | ours, UDP 1408 | Gloo | Open MPI | one thread's memcpy |"
echo "|---|---|---|---|---|---|---|---|"
for ranks in "${numbers[@]}"; do
  for size in "${sizes[@]}"; do
    printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$ranks" "$size" "$(value ipc "$ranks" "$size")" \
      "$(value udp-65504 "$ranks" "$size")" "$(value udp-1408 "$ranks" "$size")" "$(value gloo "$ranks" "$size")" \
      "$(value mpi "$ranks" "$size")" "$(value memcpy 1 "$size")"
  done
done
