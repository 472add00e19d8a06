# Delivery to MLflow, from the files that jobs wrote. `|| true`: no fault of tracking is one of the study.
URI = STUDY.tracking.uri if STUDY.tracking.enabled else ""
SQLITE = "sqlite:///"
SYNC = "semcom track sync {STUDY.study} --uri {URI:q} --best-effort || true"


onstart:
    if URI.startswith(SQLITE) and not Path(URI.removeprefix(SQLITE)).exists():
        shell("semcom track init --uri {URI:q} || true")


onsuccess:
    if URI:
        shell(SYNC)


onerror:
    if URI:
        shell(SYNC)
