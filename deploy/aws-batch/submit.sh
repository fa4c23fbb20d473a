#!/usr/bin/env bash
# An experiment as an array job of AWS Batch, and a job that puts the parts together when all are done:
#
#     deploy/aws-batch/submit.sh QUEUE PARTS EXPERIMENT
#
# First put the image and the file system into job-definition.json, with the experiment and its model on the file system,
# and register it:
#
#     aws batch register-job-definition --cli-input-json file://deploy/aws-batch/job-definition.json
#
# Spot instances are fine: a part that is tried again goes on where it was.
set -euo pipefail
[[ $# -eq 3 && $2 -ge 2 ]] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
queue=$1 parts=$2 experiment=$3
name=$(basename "$experiment" .ron)
submit() { aws batch submit-job --job-queue "$queue" --job-definition forescale --query jobId --output text "$@"; }
overrides() { printf '{"command":["sh","-ec","%s"]}' "$1"; }
# AWS Batch sets AWS_BATCH_JOB_ARRAY_INDEX, from 0, and AWS_BATCH_JOB_ARRAY_SIZE.
array=$(submit --job-name "$name-parts" --array-properties "size=$parts" \
    --container-overrides "$(overrides "cd /work; forescale run $experiment --out plots --shard auto")")
merge="cd /work; forescale merge plots/$name.shard-*-of-$parts.sqlite --into plots/forescale.sqlite"
submit --job-name "$name-merge" --depends-on "jobId=$array" \
    --container-overrides "$(overrides "$merge; forescale run $experiment --out plots --require-complete")"
