"""`semcom plan` beside a real training: what it says of a killed one is where that one goes on."""

import json
import os
import re
import signal
import time
from pathlib import Path


def test_the_plan_names_the_checkpoint_at_which_a_killed_training_goes_on(copied):
    params = copied.root / "params/quickstart.yaml"
    params.write_text(params.read_text().replace("epochs: 2", "epochs: 25"))
    command = ("snakemake", "--cores", "1", "results/tiny/pretrain/mmssl/seed1/encoders.pt")
    workflow = copied.start(*command)
    journal = copied.root / "results/tiny/journal/pretrain/mmssl/seed1.jsonl"
    begun, end = time.time(), time.monotonic() + 300
    while journal.stat().st_mtime < begun or journal.read_text().count("metrics") < 3:
        assert workflow.poll() is None, workflow.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    pid = json.loads(journal.read_text().splitlines()[0])["pid"]
    os.kill(pid, signal.SIGSTOP)  # it must not end before the plan is made
    text = copied.run("semcom", "plan", command[-1])
    assert re.search(rf"running now: host \S+, pid {pid}, since [\d:]+, at epoch \d+", text), text
    workflow.kill()
    os.kill(pid, signal.SIGKILL)  # a stopped process ends as well
    workflow.communicate()

    text = copied.run("semcom", "plan", command[-1])
    (said,) = re.findall(r"killed after [\d:]+; goes on at its checkpoint of [\d:]+, after epoch (\d+)", text)
    assert "pretrain.epochs 2 → 25" in text
    params.write_text(params.read_text().replace("epochs: 25", "epochs: 24"))
    assert "; begins anew" in copied.run("semcom", "plan", command[-1])
    params.write_text(params.read_text().replace("epochs: 24", "epochs: 25"))

    copied.snakemake("--unlock")
    copied.snakemake(*command[1:])
    log = Path(copied.root, "logs/tiny/pretrain/mmssl/seed1.log").read_text()
    (epoch,) = re.findall(r"goes on after step \d+/\d+ of epoch (\d+)/25", log)
    assert int(epoch) - 1 == int(said)
