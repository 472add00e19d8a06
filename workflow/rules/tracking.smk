# Delivery to MLflow, from the files that jobs write. `|| true`: no fault of tracking is one of the study.
import os
import shlex

from semcom.cluster import alone

URI = f"--uri {shlex.quote(STUDY.tracking.uri)}" if STUDY.tracking.uri else ""
PID = os.getpid()
# In a session of its own: neither Ctrl-C nor a closed terminal ends it, the end of this process does.
FOLLOW = (
    "mkdir -p logs/{STUDY.study} && {{ setsid {sys.executable:q} -m semcom track follow {STUDY.study} {URI} "
    "--pid {PID} > logs/{STUDY.study}/tracking.log 2>&1 < /dev/null & }} || true"
)
SYNC = "(semcom track sync {STUDY.study} {URI} --best-effort --end-follower) || true"


onstart:
    try:
        alone.begin(Path.cwd(), slurm=not workflow.local_exec)
    except SemcomError as error:
        raise WorkflowError(str(error)) from None
    if STUDY.tracking.enabled:
        shell(FOLLOW)


onsuccess:
    if STUDY.tracking.enabled:
        shell(SYNC)


onerror:
    if STUDY.tracking.enabled:
        shell(SYNC)
