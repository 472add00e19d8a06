import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semcom.channel.digital import table
from semcom.channel.digital.bounds import uncoded_ber, uncoded_bler
from semcom.channel.digital.simulate import next_snr, run
from semcom.channel.digital.table import Tally
from semcom.files.errors import SemcomError
from semcom.params.entries import TableEntry
from semcom.params.scheme import parse

QUICK = {"scheme": "qpsk_uncoded", "channel_uses": 16, "most_blocks": 20_000}


def waterfall(snr_db: float, middle: float = 1.0) -> float:
    return 1 / (1 + np.exp(1.5 * (snr_db - middle)))


@pytest.mark.parametrize("channel", ["awgn", "rayleigh"])
def test_uncoded_tables_hit_the_closed_forms(tmp_path: Path, channel: str) -> None:
    entry = TableEntry(channel=channel, **QUICK)
    run(entry, output=tmp_path / "t.csv", state=tmp_path / "state")
    measured = table.read(tmp_path / "t.csv")
    expected = uncoded_bler(measured.snr_db, scheme=entry.block, channel=channel)
    deviation = np.sqrt(expected * (1 - expected) / measured.blocks)
    assert (np.abs(measured.errors / measured.blocks - expected) < 4.5 * deviation).all()
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    columns = {name: np.array([float(row[i]) for row in rows[1:]]) for i, name in enumerate(rows[0]) if i > 6}
    half = (columns["ber_high"] - columns["ber_low"]) / 2
    assert (
        np.abs(columns["ber"] - uncoded_ber(measured.snr_db, modulation="qpsk", channel=channel)) < 2.5 * half
    ).all()
    assert not list((tmp_path / "state").iterdir())


def test_a_waterfall_gets_few_points_from_nearly_all_lost_down_to_the_target() -> None:
    entry = TableEntry(scheme="qpsk_ldpc_1/2", channel_uses=32, channel="awgn")
    counts: list[Tally] = []
    while (snr_db := next_snr(counts, entry)) is not None:
        errors = round(20_000 * waterfall(snr_db))
        counts.append(Tally(snr_db, 20_000, errors))
    rates = sorted(tally.block_errors / tally.blocks for tally in counts)
    assert rates[-1] >= 0.97
    assert rates[1] <= 0.01  # the target, and one beyond it
    assert sum(rate < 0.01 for rate in rates) == 2
    assert len(counts) <= 10
    inside = [rate for rate in rates if 0.01 < rate < 0.9]
    assert len(inside) >= 3


@pytest.mark.parametrize(("uses", "blocks"), [(32, 20_000), (256, 20_000), (512, 10_000), (1728, 2962)])
def test_of_long_codes_fewer_blocks_are_enough(uses: int, blocks: int) -> None:
    entry = TableEntry(scheme="16qam_ldpc_1/2", channel_uses=uses, channel="awgn")
    assert next_snr([Tally(6.5, blocks - 1, 5)], entry) == 6.5
    assert next_snr([Tally(6.5, blocks, 5)], entry) != 6.5


def test_a_point_under_way_comes_first() -> None:
    entry = TableEntry(scheme="qpsk_ldpc_1/2", channel_uses=32, channel="awgn")
    assert next_snr([Tally(0.0, 500, 499), Tally(3.0, 1000, 40), Tally(1.0, 500, 300)], entry) == 3.0


def test_a_run_taken_up_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    entry = TableEntry(channel="awgn", **QUICK)
    run(entry, output=tmp_path / "whole.csv", state=tmp_path / "a")
    part = tmp_path / "b"
    code = (
        "import sys, pathlib\n"
        "from semcom.channel.digital import simulate\n"
        "from semcom.params.entries import TableEntry\n"
        "entry = TableEntry.model_validate_json(sys.argv[1])\n"
        "simulate.run(entry, output=pathlib.Path(sys.argv[2]), state=pathlib.Path(sys.argv[3]))\n"
    )
    arguments = [entry.model_dump_json(), str(tmp_path / "part.csv"), str(part)]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments])
    while process.poll() is None and not any(f.stat().st_size > 600 for f in part.glob("*.jsonl")):
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (journal,) = part.glob("*.jsonl")
    assert not (tmp_path / "part.csv").exists()
    with open(journal, "a") as file:
        file.write('{"snr_db": 3.0, "blo')  # what a kill within a write leaves
    run(entry, output=tmp_path / "part.csv", state=part)
    assert (tmp_path / "part.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_two_runs_of_one_table_do_not_meet(tmp_path: Path) -> None:
    import fcntl

    entry = TableEntry(channel="awgn", **QUICK)
    run(entry, output=tmp_path / "t.csv", state=tmp_path)
    from semcom.files.hashes import digest
    from semcom.params.entries import to_json

    path = tmp_path / f"{digest(to_json(entry))}.jsonl"
    with open(path, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SemcomError, match="another process measures this very table"):
            run(entry, output=tmp_path / "t.csv", state=tmp_path)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"scheme": "qpsk_lpdc_1/2"}, "nearest is qpsk_ldpc_1/2"),
        ({"scheme": "qpsk_ldpc_1/9", "channel_uses": 90}, "rates of 1/5 to 19/20"),
        ({"scheme": "qpsk_ldpc_1/2", "channel": "rician"}, "channel"),
        ({"scheme": "qpsk_ldpc_1/2", "most_blocks": 3}, "most_blocks"),
    ],
)
def test_the_verb_refuses_with_one_message(tmp_path: Path, entry: dict[str, object], says: str) -> None:
    text = json.dumps({"channel_uses": 32, "channel": "awgn"} | entry)
    command = [sys.executable, "-m", "semcom", "links", "table", text]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "t.csv"), "--state", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_verb_names_the_file_in_a_folder(tmp_path: Path) -> None:
    text = json.dumps({"scheme": "64qam_uncoded", "channel_uses": 4, "channel": "awgn", "most_blocks": 500})
    command = [sys.executable, "-m", "semcom", "links", "table", text, "--output", str(tmp_path)]
    subprocess.run([*command, "--state", str(tmp_path / "state")], check=True, capture_output=True)
    assert table.read(tmp_path / "64qam_uncoded_4_awgn.csv").scheme == parse("64qam_uncoded", channel_uses=4)
