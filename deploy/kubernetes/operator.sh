#!/bin/sh
# Runs a command for operators in the cluster, and ends as it ended:
#
#   deploy/kubernetes/operator.sh verify --strict
#
# Where: kubectl's own context, in the namespace NAMESPACE (reen).
set -eu

[ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT]…" >&2; exit 2; }
mesh() { kubectl --namespace "${NAMESPACE:-reen}" "$@"; }

# A JSON list of the arguments.
arguments=
for argument; do
    quoted=$(printf '%s' "$argument" | sed 's/[\\"]/\\&/g')
    arguments="$arguments${arguments:+,}\"$quoted\""
done

job="operator-$(date +%s)"
with_arguments="{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"reen\",\"args\":[$arguments]}]}}}}"
mesh create job "$job" --from=cronjob/operator --dry-run=client --output=json |
    mesh patch --local --filename=- --patch="$with_arguments" --output=json |
    mesh create --filename=- >/dev/null
trap 'mesh delete job "$job" --wait=false >/dev/null' EXIT

# Of what it says, all: the container may be done before anybody asks.
while [ -z "$(mesh get pods --selector="job-name=$job" --output=jsonpath='{.items[*].status.containerStatuses[*].state.*.startedAt}')" ]; do
    sleep 1
done
mesh logs --follow "job/$job"
until code=$(mesh get pods --selector="job-name=$job" --output=jsonpath='{.items[0].status.containerStatuses[0].state.terminated.exitCode}') && [ -n "$code" ]; do
    sleep 1
done
exit "$code"
