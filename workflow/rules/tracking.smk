# Delivery to MLflow, from the files that jobs write. `|| true`: no fault of tracking is one of the study.
import os
import shlex

from semcom.cluster import alone

URI = f"--uri {shlex.quote(SYSTEMS.tracking.uri)}" if SYSTEMS.tracking.uri else ""
PID = os.getpid()
# In a session of its own: neither Ctrl-C nor a closed terminal ends it, the end of this process does.
FOLLOW = (
    "mkdir -p logs/{SYSTEMS.study} && {{ setsid {sys.executable:q} -m semcom track follow {SYSTEMS.study} {URI} "
    "--pid {PID} > logs/{SYSTEMS.study}/tracking.log 2>&1 < /dev/null & }} || true"
)
SYNC = "(semcom track sync {SYSTEMS.study} {URI} --best-effort --end-follower) || true"


onstart:
    try:
        alone.begin(Path.cwd(), slurm=not workflow.local_exec)
    except SemcomError as error:
        raise WorkflowError(str(error)) from None
    if SYSTEMS.tracking.enabled:
        shell(FOLLOW)


onsuccess:
    if SYSTEMS.tracking.enabled:
        shell(SYNC)


onerror:
    if SYSTEMS.tracking.enabled:
        shell(SYNC)
