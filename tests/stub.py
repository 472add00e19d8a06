"""Stands for the stages' verbs in a checkout: writes their files and journals at once, and computes nothing.

Put in place of `semcom/__main__.py`. What it is told by the file `stub.json` in the checkout's root, by job
(`pretrain mmssl 0`): `fail`, or `hang` (with the journal open, until killed).
"""

import json
import sys
import time
from pathlib import Path

from semcom.tracking.journal import Journal

INPUTS = {"frames", "encoders", "journal", "state", "log", "source", "md5", "results", "root"}
REPORT = (
    "accuracy_snr.png accuracy_uses.png summary.csv retrieval.csv accuracy_snr.pdf accuracy_snr.csv "
    "accuracy_uses.pdf accuracy_uses.csv report.md provenance.json pretraining.csv optimisers.csv "
    "calibration.csv digital.csv upload.csv cost.csv claims.csv conditions.csv"
).split()
NAMES = ("method", "link_name", "labels", "seed")


def main() -> None:
    verb = next(word for word in sys.argv[1:] if word not in ("data", "evaluate", "knowledge"))
    stage = {"sweep": "evaluate", "private": "knowledge", "link": "calibration"}.get(verb, verb)
    entry = next((json.loads(word) for word in sys.argv if word.startswith("{")), {})
    words = [part for word in sys.argv for part in (word.split("=", 1) if word.startswith("--") else [word])]
    given = {words[i][2:]: words[i + 1] for i in range(len(words) - 1) if words[i].startswith("--")}
    inputs = INPUTS - ({"encoders"} if stage == "pretrain" else set())
    inputs |= (
        {"choice"} if stage == "finetune" else {"models"} if stage in ("evaluate", "conditions") else set()
    )
    outputs = [Path(value) for name, value in given.items() if name not in inputs]
    if stage == "report":
        outputs = [Path(given["output"], name) for name in REPORT]
    name = " ".join([stage, *(str(entry[key]) for key in NAMES if key in entry)])
    asked = Path("stub.json")
    told = (json.loads(asked.read_text()) if asked.exists() else {}).get(name)
    if "journal" in given:
        names = ("study", "method", "labels", "seed")
        tags = {"stage": stage, **{key: entry[key] for key in names if key in entry}}
        with Journal.open(Path(given["journal"]), tags, entry) as journal:
            for epoch in (1, 2):
                journal.metrics({"loss": 1 / epoch}, step=epoch)
            if told == "fail":
                raise RuntimeError("told to fail")
            if told == "hang":
                time.sleep(3600)
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([name, entry.get("code"), path.name]))


if __name__ == "__main__":
    stages = {"fetch", "prepare", "pretrain", "private", "tune", "finetune", "sweep", "link", "report"}
    stages |= {"conditions"}
    if stages & set(sys.argv[1:3]):
        main()
    else:
        from semcom.cli import main as cli

        cli()
