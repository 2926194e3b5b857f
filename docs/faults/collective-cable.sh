#!/usr/bin/env bash
# All-reduces of two ranks whose cable loses 0, 1 and 5 % of the packets, and delays them by 150 ± 30 ms: every sum must be
# right, and the ranks must end without an error. Needs root (network namespaces), a C compiler and a built checkout.
#
# Usage: docs/faults/collective-cable.sh [ELEMENTS [STEPS]]   (default: 262144 floats, 20 steps)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
elements=${1:-262144}
steps=${2:-20}
cd "$root"
work=$(mktemp -d)
first=sparktune-cable-a-$$
second=sparktune-cable-b-$$
cable=
clean() {
  [ -z "$cable" ] || kill "$cable" 2>/dev/null || true
  ip netns del "$first" 2>/dev/null || true
  ip netns del "$second" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

cc -O2 -o "$work/link" docs/faults/link.c
if [ -n "${CLASSPATH_FILE:-}" ]; then
  classpath=$(cat "$CLASSPATH_FILE")
else
  mvn -q -B -pl trainer -am test-compile dependency:build-classpath \
    -Dmdep.includeScope=test -Dmdep.outputFile="$work/\${project.artifactId}.classpath" >&2
  classpath=$root/trainer/target/test-classes:$root/trainer/target/classes:$(cat "$work/trainer.classpath")
fi
read -r -a options < <(sed -n 's|.*<jvm.options>\(.*\)</jvm.options>.*|\1|p' pom.xml)

for weather in "0 0 0" "1 0 0" "5 0 0" "0 150 30" "1 150 30"; do
  read -r loss delay jitter <<<"$weather"
  ip netns add "$first"
  ip netns add "$second"
  "$work/link" "$first" "$second" "$loss" "$delay" "$jitter" 1 >"$work/cable" &
  cable=$!
  until grep -q ready "$work/cable"; do kill -0 "$cable" && sleep 0.1; done
  ip -n "$first" address add 10.77.0.1/24 dev cable
  ip -n "$second" address add 10.77.0.2/24 dev cable
  for namespace in "$first" "$second"; do
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set cable up
  done
  printf '%s %% lost, %s ± %s ms: ' "$loss" "$delay" "$jitter"
  java -Xmx256m "${options[@]}" -cp "$classpath" org.sparktune.trainer.collective.aeron.CableTrial \
    "$first" 10.77.0.1 "$second" 10.77.0.2 "$elements" "$steps" 2>"$work/log" || { tail -5 "$work/log"; exit 1; }
  kill "$cable"
  wait "$cable" || true
  cable=
  ip netns del "$first"
  ip netns del "$second"
done
