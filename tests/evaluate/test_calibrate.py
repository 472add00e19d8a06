"""`semcom evaluate calibrate`: anybody's function, found by name, and its exit code."""

import csv
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from semcom.channel import CHANNELS
from semcom.channel.checks import Claim
from semcom.channel.power import normalise
from semcom.cli import app
from semcom.evaluate import calibrate
from semcom.files.errors import SemcomError
from semcom.params.component import build

THEIRS = """
import math
from typing import Annotated

import numpy as np
import torch
from annotated_types import Le

RNG = np.random.default_rng(1)


def right(symbols, n0):
    noise = torch.randn_like(symbols)
    return symbols + math.sqrt(n0) * noise


def in_numpy(symbols, n0, *, generator):
    assert isinstance(generator, np.random.Generator)
    noise = generator.standard_normal((*symbols.shape, 2)) @ np.array([1, 1j])
    return symbols + np.sqrt(n0 / 2) * noise


def three_db_off(symbols, n0):
    return right(symbols, n0 / 2)


def broken(symbols, n0):
    raise KeyError("snr")


class Channel:
    def __call__(self, symbols, n0, generator):
        noise = torch.randn(symbols.shape, dtype=symbols.dtype, generator=generator)
        return symbols + torch.as_tensor(n0).sqrt() * noise


def quits(symbols, n0):
    raise SystemExit(3)


class Wants:
    def __init__(self, k_factor, *rest, csi, gain=1, **options):
        self.csi = csi


class Faded:
    csi = "none"

    def __init__(self, *, k_factor: float = 0.0, scale: float = 1.0) -> None:
        self.k_factor, self.scale = k_factor, scale

    def __call__(self, symbols, n0, generator=None):
        noise, gain = torch.randn_like(symbols), torch.randn(len(symbols), 1, dtype=symbols.dtype)
        return self.scale * gain * symbols + math.sqrt(n0) * noise


class Erasing:
    law = "unchecked"

    def __init__(self, *, p: Annotated[float, Le(1)] = 0.0, also: bool = False) -> None:
        self.p = p

    def __call__(self, symbols, n0, generator=None):
        return right(symbols * (torch.rand(symbols.shape) >= self.p), n0)


class Raises:
    def __init__(self, gain=1):
        raise OSError("no licence")


class Exits:
    def __init__(self):
        raise SystemExit("enough")


number = 3
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with somebody's module in it, and we stand there."""
    (tmp_path / "theirs.py").write_text(THEIRS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(calibrate, "TOLERANCE_DB", 0.2)
    monkeypatch.delitem(__import__("sys").modules, "theirs", raising=False)
    return tmp_path


def rows_of(reference: str, *, numpy: bool = False, options=None, **said) -> list[dict[str, object]]:
    """Rows of a measurement; `said` overrules what a class says of itself."""
    return calibrate.function(
        reference,
        snr_db=[10.0],
        channel_uses=32,
        numpy=numpy,
        options=options,
        tolerance_db=0.3,
        overruled=said,
    )


@pytest.mark.parametrize(("name", "numpy"), [("right", False), ("in_numpy", True), ("Channel", False)])
def test_right_functions_pass(theirs, name, numpy):
    rows = rows_of(f"theirs:{name}", numpy=numpy)
    calibrate.finish(rows, None)
    assert sum(row["ok"] is True for row in rows) >= 12
    assert {row["function"] for row in rows} == {f"theirs:{name}"}
    by_sample = [row for row in rows if str(row["check"]).startswith("snr_db_by_sample")]
    assert [row["ok"] for row in by_sample] == ([None] if name == "right" else [True, True])


def test_the_same_call_gives_the_same_table(theirs):
    first, second = (rows_of("theirs:right") for _ in range(2))
    assert [row["value"] for row in first if row["ok"]] == [row["value"] for row in second if row["ok"]]


def test_the_verb_prints_the_table_writes_it_and_ends_well(theirs):
    given = [
        "evaluate",
        "calibrate",
        "theirs:Channel",
        "--snr-db",
        "10",
        "--snr-db",
        "20",
        "--channel-uses",
        "16",
    ]
    done = CliRunner().invoke(app, [*given, "--csv", "out/table.csv"])
    assert done.exit_code == 0, done.output
    assert "snr_db_amplitude_1" in done.output
    assert "…" not in done.output  # it fits 80 columns
    assert "does not apply (no fading): spread_db" in done.output
    with open(theirs / "out/table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["function", *calibrate.COLUMNS]
    assert {row["snr_db"] for row in rows} == {"10.0", "20.0"}
    (asked,) = [row for row in rows if row["check"] == "snr_db_amplitude_1" and row["snr_db"] == "20.0"]
    assert float(asked["value"]) == pytest.approx(20, abs=0.05)
    assert asked["tolerance"] == "0.05"
    assert float(asked["draws"]) >= 20_000


def test_out_of_tolerance_is_exit_code_one_and_named(theirs):
    done = CliRunner().invoke(
        app, ["evaluate", "calibrate", "theirs:three_db_off", "--snr-db", "10", "--channel-uses", "16"]
    )
    assert done.exit_code == 1
    assert "OUT" in done.output
    assert "…" not in done.output
    assert isinstance(done.exception, SemcomError)
    assert "snr_db_amplitude_1 at 10 dB" in str(done.exception)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("theirs", "is no PACKAGE.MODULE:FUNCTION"),
        ("nobodys:awgn", "^nobodys:awgn: nobodys does not import: .*No module named 'nobodys'; install it"),
        ("theirs:rigth", "theirs has no rigth; did you mean right?"),
        ("theirs:number", "theirs:number cannot be called"),
        ("theirs:broken", r"theirs:broken failed on symbols .*KeyError: 'snr' \(.*theirs.py, line 28: raise"),
        ("theirs:quits", r"theirs:quits failed on symbols .*SystemExit: 3 \(.*theirs.py, line \d+: raise"),
        ("theirs:Wants", "^theirs:Wants wants k_factor, csi; give each by `--option NAME=VALUE`"),
        (
            "theirs:Raises",
            r"^theirs:Raises cannot be made: OSError: no licence \(.*theirs.py, line \d+: raise",
        ),
        ("theirs:Exits", r"^theirs:Exits cannot be made: SystemExit: enough \("),
        ("builtins:max", r"^builtins:max failed on symbols .*: NotImplementedError: "),
        ("builtins:int", "^builtins:int cannot be called"),
        ("theirs:in_numpy", "theirs:in_numpy failed"),
    ],
)
def test_what_is_no_channel_is_said(theirs, reference, said):
    with pytest.raises(SemcomError, match=said):
        rows_of(reference)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = 1 / 0\n", r"ZeroDivisionError: division by zero \(.*line 1: x = 1 / 0\)"),
        ("x = (\n", r"SyntaxError: '\(' was never closed \(.*line 1\)"),
        ("import sys\nsys.exit('enough')\n", r"SystemExit: enough \(.*line 2: sys.exit\('enough'\)\)"),
        ("import nobodys\n", r"No module named 'nobodys' \(.*line 1: import nobodys\); install it"),
    ],
)
def test_a_module_that_does_not_import_is_one_error(theirs, source, why):
    (theirs / "theirs.py").write_text(source)
    done = CliRunner().invoke(app, ["evaluate", "calibrate", "theirs:right"])
    assert isinstance(done.exception, SemcomError)
    assert re.search("^theirs:right: theirs does not import: .*" + why, str(done.exception))


def verb(*given: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", "calibrate", *given])


def flagged(rows: list[dict[str, object]]) -> set[str]:
    return {str(row["check"]) for row in rows if row["ok"] is False}


def test_a_class_is_held_to_what_it_says_of_itself(theirs):
    rows = rows_of("theirs:Faded")
    assert flagged(rows) == set()
    assert [row["ok"] for row in rows if row["check"] == "outage_1"] == [True], "Rayleigh fading is checked"
    assert flagged(rows_of("theirs:Faded", options={"k_factor": "3"})) >= {"outage_1"}, "and so are options"
    assert flagged(rows_of("theirs:Faded", options={"scale": "2"})) >= {"gain_power_db"}


def test_the_command_line_overrules_a_class(theirs):
    assert flagged(rows_of("theirs:Faded", k_factor=math.inf)) >= {"amount_of_fading"}
    given = ("theirs:Faded", "--snr-db", "10", "--channel-uses", "16", "--fading", "none")
    done = verb(*given)
    assert done.exit_code == 1
    assert "amount_of_fading at 10 dB" in str(done.exception)


def test_ours_by_name_are_held_to_what_they_say(theirs):
    done = verb("semcom.channel.fading:Rayleigh", "--option", "csi=none", "--snr-db", "10")
    assert done.exit_code == 0, done.output
    assert "outage_1" in done.output


def test_an_unchecked_class_is_measured_with_its_options_and_nothing_fails(theirs):
    given = ("theirs:Erasing", "--option", "p=0.1", "--option", "also=true", "--snr-db", "20")
    done = verb(*given, "--csv", "out.csv")
    assert done.exit_code == 0, done.output
    assert done.output.count("stated") >= 5
    with open(theirs / "out.csv", newline="") as file:
        rows = {row["check"]: row for row in csv.DictReader(file)}
    assert float(rows["mean_snr_db_amplitude_1"]["value"]) < 10
    assert {row["ok"] for row in rows.values()} == {"stated"}
    done = verb(*given, "--law", "own")
    assert done.exit_code == 1
    assert "mean_snr_db_amplitude_1 at 20 dB" in str(done.exception)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("theirs:Erasing", "--option", "q=1"), "theirs:Erasing: --option.q: no such key"),
        (("theirs:Erasing", "--option", "p=2"), "theirs:Erasing: --option.p: 2 is not a number ≤ 1"),
        (("theirs:Erasing", "--option", "p"), "--option p: write NAME=VALUE, such as share=0.1"),
        (("theirs:right", "--option", "p=1"), "theirs:right is no class, so it has no options (given: p)"),
        (("theirs:right", "--k-factor-db", "3"), "--k-factor-db 3 is of `--fading rician`; add it"),
        (("--option", "p=1"), "options and claims are for a PACKAGE.MODULE:FUNCTION"),
        (("--fading", "none"), "options and claims are for a PACKAGE.MODULE:FUNCTION"),
    ],
)
def test_options_that_do_not_fit_are_one_error(theirs, given, said):
    done = verb(*given)
    assert isinstance(done.exception, SemcomError), done.output
    assert said in str(done.exception)


def test_every_channel_of_ours_is_claimed_in_every_csi_mode():
    claims = [(component["use"], claim.csi) for component, claim in calibrate.claims()]
    assert {use for use, _ in claims} == set(CHANNELS)
    assert {csi for use, csi in claims if use == "rician"} == {"none", "receiver", "estimated"}
    assert len(set(claims)) == len(claims) == 7


@pytest.mark.parametrize("claimed", list(calibrate.claims()), ids=lambda c: "-".join(map(str, c[0].values())))
def test_ours_say_of_themselves_what_we_hold_them_to(claimed):
    component, claim = claimed
    assert Claim.of(build(CHANNELS, component)) == claim


def test_a_link_is_its_channel_and_the_power_of_what_is_sent():
    symbols = normalise(torch.randn(10, 2, 8, dtype=torch.complex64))
    component = {"use": "rayleigh", "csi": "receiver", "pilots": None, "equaliser": "zf"}
    rows = calibrate.link(component, symbols, snr_db=[10.0], tolerance_db=0.4)
    calibrate.finish(rows, None)
    assert {"snr_db_amplitude_1", "outage_1", "power_db_farthest"} <= {row["check"] for row in rows}
    symbols[7, 1] *= 2
    with pytest.raises(SemcomError, match="1 of .* checks are out of tolerance: power_db_farthest"):
        calibrate.finish(calibrate.link(component, symbols, snr_db=[10.0], tolerance_db=0.4), None)


def test_ours_are_what_they_claim():
    """With a wide tolerance here; results/reference/calibration/channels.csv is the table with 0.05 dB."""
    tables = list(calibrate.ours(snr_db=[10.0], channel_uses=16, tolerance_db=0.4))
    for rows in tables:
        calibrate.finish(rows, None)
    assert [rows[0]["csi"] for rows in tables] == ["", *["none", "receiver", "estimated"] * 2]
    assert sum(row["check"] == "estimate_error_db" for rows in tables for row in rows) == 2


def test_the_reference_table_is_complete_and_within_tolerance():
    path = Path(__file__).parents[2] / "results/reference/calibration/channels.csv"
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["channel"], row["csi"]) for row in rows} == {
        (component["use"], claim.csi if claim.fades else "") for component, claim in calibrate.claims()
    }
    assert not [row for row in rows if row["ok"] == "False"]
    in_db = [row for row in rows if row["check"].startswith("snr_db") and row["ok"]]
    assert len(in_db) >= 7 * 14
    for row in in_db:
        error = abs(float(row["value"]) - float(row["expected"]))
        assert error <= float(row["tolerance"]) == 0.05
        assert not math.isnan(error)
