#!/usr/bin/env bash
# An experiment as an array job of so many parts, and a job that puts them together when all are done:
#
#     deploy/slurm/submit.sh PARTS OUT EXPERIMENT [options of run]
#     deploy/slurm/submit.sh 20 plots experiments/aurora_data_surge.ron --seed 7
#
# OUT and EXPERIMENT must be seen by all nodes. FORESCALE names the command if it is not on the path.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
[[ $# -ge 3 ]] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
parts=$1 out=$2 experiment=$3
shift 3
mkdir -p "$out"
array=$(sbatch --parsable --array="1-$parts" --output="$out/part-%a.log" "$here/part.sbatch" \
    "$experiment" --out "$out" "$@")
merge=$(sbatch --parsable --dependency="afterok:${array%%;*}" --output="$out/merge.log" "$here/merge.sbatch" \
    "$parts" "$out" "$experiment" "$@")
echo "parts: job ${array%%;*}, then merge: job ${merge%%;*}"
