#!/usr/bin/env bash
# Tries submit.sh for real: a Slurm of two nodes on this machine runs a batch, one node is killed in the middle, and the
# result must be that of one run without Slurm. Needs root, and the packages slurm-wlm and munge of Debian or Ubuntu:
#
#     apt-get install slurm-wlm munge
#     deploy/slurm/try.sh [EXPERIMENT] [options of run]
#
# Everything lies in a temporary folder, which is left only after a failure; the daemons are stopped by their process ids.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
root=$(dirname "$(dirname "$here")")
experiment=$(realpath "${1:-$root/experiments/nasa_replay.ron}")
shift || true
more=("$@")
parts=4
FORESCALE=$(realpath "${FORESCALE:-$root/target/release/forescale}")
export FORESCALE
name=$(basename "$experiment" .ron)
work=$(mktemp -d /tmp/forescale-slurm.XXXXXX)
chmod 755 "$work"
export SLURM_CONF=$work/slurm.conf
started=()
same=

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

stop() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true
    done
    [[ -z $same ]] || rm -r "$work"
}
trap stop EXIT

mkdir "$work/state" "$work/munge" "$work/spool-one" "$work/spool-two"
chmod 755 "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chmod 400 "$work/munge/key"
cat > "$SLURM_CONF" <<END
ClusterName=try
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool-%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdTimeout=10
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=one NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=17001 CPUs=1
NodeName=two NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=17002 CPUs=1
PartitionName=all Nodes=ALL Default=YES State=UP
END

munged --foreground --force --key-file "$work/munge/key" --socket "$work/munge/socket" --pid-file "$work/munge/pid" \
    --log-file "$work/munge/log" --seed-file "$work/munge/seed" > "$work/munge.out" 2>&1 & started+=($!)
for _ in $(seq 100); do [[ -S $work/munge/socket ]] && break; sleep 0.1; done
slurmctld -D > "$work/slurmctld.out" 2>&1 & started+=($!)
slurmd -D -N one > "$work/one.out" 2>&1 & started+=($!)
slurmd -D -N two > "$work/two.out" 2>&1 & two=$!; started+=($two)
idle() { sinfo --noheader --format '%t %D' 2>/dev/null | grep -q '^idle 2$'; }
for _ in $(seq 300); do idle && break; sleep 0.2; done
idle || { say "the nodes did not come up: see $work"; exit 1; }
say "two nodes are idle, Slurm $(sinfo --version | cut -d' ' -f2)"

"$here/submit.sh" "$parts" "$work/parts" "$experiment" "${more[@]}"
running_on_two() { squeue --noheader --nodelist two --states running --format %i | grep -q .; }
for _ in $(seq 300); do running_on_two && break; sleep 0.1; done
sleep "${KILL_AFTER_S:-4}"
say "running: $(squeue --noheader --states running --format '%i on %N' | paste -sd' ')"
# All of the node: the daemon, the process that it started for the job, and the job's own.
lost=("$two")
job=$(squeue --noheader --nodelist two --states running --format %A)
lost+=($(ps -eo pid=,args= | awk -v step="[$job.batch]" '$2 == "slurmstepd:" && $3 == step { print $1 }'))
for ((next = 1; next < ${#lost[@]}; next++)); do
    lost+=($(ps -o pid= --ppid "${lost[$next]}" || true))
done
kill -9 "${lost[@]}"
wait "$two" 2>/dev/null || true
say "killed node two with -9: ${#lost[@]} processes"
for _ in $(seq 300); do
    sinfo --noheader --nodes two --format %t | grep -q '^down' && { say "Slurm gave the node up"; break; }
    sleep 0.2
done
slurmd -D -N two >> "$work/two.out" 2>&1 & started+=($!)
while squeue --noheader --format %T | grep -q .; do sleep 0.5; done
scontrol show job --oneliner | while read -r job; do
    grep -oE '\b(JobName|ArrayTaskId|Restarts|JobState)=[^ ]+' <<< "$job" | paste -sd' '
done
grep -h "points are taken from" "$work"/parts/part-*.log "$work/parts/merge.log"
say "all jobs are over"

"$FORESCALE" run "$experiment" --out "$work/whole" "${more[@]}" > "$work/whole.log" 2>&1
say "the same without Slurm is done"
digest() { grep -m1 '"digest":' "$1" | cut -d'"' -f4; }
for place in parts whole; do echo "$place: $(digest "$work/$place/$name.json")"; done
cmp "$work/parts/$name.json" "$work/whole/$name.json"
same=yes
say "the results are the same bytes"
