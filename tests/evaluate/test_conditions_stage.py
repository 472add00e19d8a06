"""The sweep under conditions: against the trained system, called by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F
from typer.testing import CliRunner

from semcom.channel.snr import n0_from_db
from semcom.cli import app
from semcom.evaluate import conditions, sweep
from semcom.frames.device import DeviceFrames
from semcom.frames.sensors import Sensors
from semcom.models.system import encode_frames, system_for, transmit
from semcom.params.conditions import Condition, ConditionsEntry
from semcom.params.entries import EvaluateEntry, to_json
from semcom.params.sections import Encoder, Evaluate, Finetune, Link
from semcom.tracking import runs
from semcom.training import weights
from semcom.training.randomness import generator, seeded

TEST = np.arange(100, 150)
SNR_DB = (0, 20)
DRAWS = 4
BUDGETS = (1, 3)
WORSE = {"use": "sensors", "dark": 0.6, "shot": 0.05, "holes": 0.5, "depth_noise_m": 0.3}
CONDITIONS = {
    "depth_lost": Condition(lost=("depth",)),
    "nothing": Condition(degraded={"use": "sensors"}),
    "rgb_lost": Condition(lost=("rgb",)),
    "worse": Condition(degraded=WORSE),
}
METRICS = ["accuracy", "balanced_accuracy", "nll", "ece"]
Made = Callable[..., tuple[pd.DataFrame, ConditionsEntry]]


@pytest.fixture
def make(
    place: dict[str, object],
    encoder: Encoder,
    finetuning: Finetune,
    link: Link,
    frames: DeviceFrames,
    prepared_file: Path,
    tmp_path: Path,
) -> Made:
    """Runs the stage on untrained systems, another one for each budget."""

    def run(
        name: str = "m", *, file: Path = prepared_file, frames: DeviceFrames = frames, **changed: object
    ) -> tuple[pd.DataFrame, ConditionsEntry]:
        given = {
            **place,
            "method": name,
            "labels": "all",
            "modalities": ("rgb", "depth"),
            "encoder": encoder,
            "finetune": finetuning.model_copy(update={"fusion": changed.pop("fusion", "concat")}),
            "link": link,
            "link_name": "l",
            "seed": 0,
            "budgets": BUDGETS,
            "evaluate": Evaluate(snr_db=SNR_DB, draws=DRAWS),
            "conditions": CONDITIONS,
        }
        entry = ConditionsEntry(**(given | changed))  # type: ignore[arg-type]
        models = tmp_path / f"{name}.pt"
        with seeded(7, name):
            parts = {str(b): system_for(entry, frames).state_dict() for b in entry.budgets}
        weights.save(models, parts)
        conditions.run(
            file,
            entry,
            models=models,
            table=tmp_path / f"{name}.csv",
            journal=tmp_path / f"{name}.jsonl",
        )
        return pd.read_csv(tmp_path / f"{name}.csv"), entry

    return run


def values(table: pd.DataFrame, condition: str) -> "pd.Series[float]":
    rows = table[table.condition == condition]
    return rows.set_index(["metric", "budget_epochs", "snr_db", "draw"]).value.sort_index()


@pytest.fixture
def swept(prepared_file: Path, tmp_path: Path) -> Callable[[ConditionsEntry], "pd.Series[float]"]:
    """The sweep of the same models."""

    def run(entry: ConditionsEntry, file: Path = prepared_file) -> "pd.Series[float]":
        own = EvaluateEntry(**entry.model_dump(exclude={"conditions"}))
        sweep.run(
            file,
            own,
            models=tmp_path / f"{entry.method}.pt",
            sweep=tmp_path / "sweep.csv",
            predictions=tmp_path / "p.npz",
            journal=tmp_path / "s.jsonl",
        )
        rows = pd.read_csv(tmp_path / "sweep.csv")
        return rows.set_index(["metric", "budget_epochs", "snr_db", "draw"]).value.sort_index()

    return run


@pytest.mark.parametrize("fusion", ["concat", "average"])
def test_a_condition_that_changes_nothing_gives_the_sweep_bit_by_bit(make, swept, fusion):
    table, entry = make(fusion=fusion)
    whole = swept(entry)
    same = values(table, "nothing")
    for metric in METRICS:
        pd.testing.assert_series_equal(same[metric], whole[metric], check_exact=True)
    assert not values(table, "worse")["nll"].equals(whole["nll"])


@pytest.mark.parametrize("fusion", ["concat", "average"])
def test_a_link_with_another_task_is_judged_by_that_one(make, swept, objects_file, fusion):
    frames = DeviceFrames.open(objects_file, torch.device("cpu"))
    link = Link(channel={"use": "awgn"}, channel_uses=8, task={"use": "objects", "least": 0.05})
    table, entry = make(file=objects_file, frames=frames, link=link, fusion=fusion)
    whole = swept(entry, objects_file)["map"]
    assert set(table.metric) == {"map", "macro_f1", "nll", "chance"}
    pd.testing.assert_series_equal(values(table, "nothing")["map"], whole, check_exact=True)
    for name in ("rgb_lost", "depth_lost", "worse"):
        assert not values(table, name)["map"].equals(whole), name


def test_one_row_a_condition_budget_snr_draw_and_metric(make):
    table, _ = make()
    assert len(table) == len(CONDITIONS) * len(BUDGETS) * len(SNR_DB) * DRAWS * len(METRICS)
    key = ["condition", "budget_epochs", "snr_db", "draw", "metric"]
    assert not table.duplicated(key).any()
    assert set(table.metric) == set(METRICS)
    assert set(table.split) == {"test"}
    assert set(table.columns) == {
        *key,
        "study",
        "system",
        "method",
        "link",
        "labels",
        "seed",
        "split",
        "value",
    }


def by_hand(
    entry: ConditionsEntry, frames: DeviceFrames, models: Path, batches: list[dict[str, torch.Tensor]]
) -> tuple[object, torch.Tensor, torch.Tensor]:
    system = system_for(entry, frames)
    weights.load_into(system, models, part="3")
    symbols = encode_frames(system, batches)
    noise = generator(entry.seed, "evaluate", "l")
    scores, received = transmit(
        system, symbols, n0_from_db(torch.tensor([20.0])), draws=DRAWS, generator=noise
    )
    return system, scores[0], received[0]


@pytest.mark.parametrize(("name", "kept"), [("rgb_lost", 1), ("depth_lost", 0)])
def test_with_averaged_heads_what_is_left_is_the_others_own_decision(make, frames, tmp_path, name, kept):
    table, entry = make(fusion="average")
    system, _, received = by_hand(entry, frames, tmp_path / "m.pt", list(frames.plain(TEST)))
    with torch.no_grad():
        alone = system.server.heads[kept](torch.view_as_real(received[..., kept, :]).flatten(-2))
    truth = frames.scene[100:150]
    for draw in range(DRAWS):
        nll = float(F.cross_entropy(alone[draw], truth))
        assert values(table, name)["nll", 3, 20, draw] == pytest.approx(nll, rel=1e-5)


def test_degraded_frames_are_drawn_from_the_seed_and_the_conditions_name(make, frames, tmp_path):
    table, entry = make()
    options = {key: value for key, value in WORSE.items() if key != "use"}
    draws = generator(entry.seed, "condition", "worse")
    seen = frames.normalise(*Sensors(**options)(*frames.take(torch.from_numpy(TEST)), draws))
    _, scores, _ = by_hand(entry, frames, tmp_path / "m.pt", [seen])
    truth = frames.scene[100:150]
    for draw in range(DRAWS):
        nll = float(F.cross_entropy(scores[draw], truth))
        assert values(table, "worse")["nll", 3, 20, draw] == pytest.approx(nll, rel=1e-5)


def test_every_method_budget_and_link_sees_the_same_degraded_frames(make, frames):
    _, one = make()
    _, other = make("other", modalities=("depth",), conditions={"worse": CONDITIONS["worse"]}, link_name="k")
    first, second, again = (
        list(conditions._views(entry, frames, TEST, "worse")) for entry in (one, other, one)
    )
    for a, b, c in zip(first, second, again, strict=True):
        for name in ("rgb", "depth"):
            assert torch.equal(a[name], b[name])
            assert torch.equal(a[name], c[name])
    another = one.model_copy(update={"seed": 1})
    assert not torch.equal(first[0]["rgb"], next(conditions._views(another, frames, TEST, "worse"))["rgb"])


def test_a_device_that_sees_the_snr_encodes_anew_at_each(make, swept, finetuning):
    aware = finetuning.model_copy(update={"sender": {"use": "snr_aware", "hidden": 4}})
    table, entry = make(finetune=aware)
    whole = swept(entry)
    pd.testing.assert_series_equal(values(table, "nothing")["nll"], whole["nll"], check_exact=True)


def test_each_condition_and_budget_is_a_run_of_its_own_for_the_tracking_server(make, tmp_path):
    table, _ = make()
    found = {
        (run.tags["condition"], run.tags["budget_epochs"]): run
        for run in runs.read(tmp_path / "m.jsonl", "j")
    }
    assert set(found) == {(name, str(budget)) for name in CONDITIONS for budget in BUDGETS}
    run = found["depth_lost", "3"]
    assert run.name == "conditions m l all b3 s0 condition=depth_lost"
    (point,) = [p for p in run.points if p.metric == "test/nll" and p.step == 20]
    assert point.value == pytest.approx(values(table, "depth_lost")["nll", 3, 20].mean())


def test_the_verb_does_the_same(make, prepared_file, tmp_path):
    _, entry = make()
    words = [
        f"--frames={prepared_file}",
        f"--models={tmp_path / 'm.pt'}",
        f"--table={tmp_path / 'verb.csv'}",
        f"--journal={tmp_path / 'verb.jsonl'}",
    ]
    done = CliRunner().invoke(app, ["evaluate", "conditions", to_json(entry), *words])
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "verb.csv").read_bytes() == (tmp_path / "m.csv").read_bytes()
