# Delivery to MLflow, from the files that jobs wrote. `|| true`: no fault of tracking is one of the study.
import shlex

URI = f"--uri {shlex.quote(STUDY.tracking.uri)}" if STUDY.tracking.uri else ""
SYNC = "semcom track sync {STUDY.study} {URI} --best-effort || true"


onstart:
    if STUDY.tracking.enabled:
        shell("semcom track init {URI} || true")


onsuccess:
    if STUDY.tracking.enabled:
        shell(SYNC)


onerror:
    if STUDY.tracking.enabled:
        shell(SYNC)
