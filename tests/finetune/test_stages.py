import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from semcom.channel.snr import n0_from_db
from semcom.evaluate import sweep
from semcom.files.errors import SemcomError
from semcom.finetune import stage, tune
from semcom.finetune.accounting import communication
from semcom.finetune.train import training_snr_db
from semcom.frames.device import DeviceFrames
from semcom.models.system import encode_frames, system_for, transmit
from semcom.params.entries import EvaluateEntry, FinetuneEntry, TuneEntry
from semcom.params.sections import Encoder, Evaluate, Finetune, Link, Tune
from semcom.training import loop, weights
from semcom.training.randomness import generator

BUDGETS = (1, 3)
ADAMW = {"use": "adamw", "lr": 3e-3, "weight_decay": 0.05}
DIVERGES = {"use": "sgd", "lr": 1e-7, "momentum": 0.0, "weight_decay": 0.0}


@pytest.fixture
def common(place: dict[str, object], encoder: Encoder, finetuning: Finetune, link: Link) -> dict[str, object]:
    return {
        **place,
        "method": "m",
        "labels": "all",
        "modalities": ("rgb", "depth"),
        "encoder": encoder,
        "finetune": finetuning,
        "link": link,
        "budgets": BUDGETS,
    }


def finetune(given: FinetuneEntry, frames: Path, folder: Path) -> None:
    (folder / "choice.json").parent.mkdir(parents=True, exist_ok=True)
    (folder / "choice.json").write_text(json.dumps({"optimisers": {str(b): ADAMW for b in BUDGETS}}))
    stage.run(
        frames,
        given,
        encoders=None,
        choice=folder / "choice.json",
        models=folder / "models.pt",
        history=folder / "history.csv",
        communications=folder / "communication.csv",
        journal=folder / "journal.jsonl",
        states=folder / "states",
    )


def test_tuning_takes_the_rate_that_learns(
    common: dict[str, object], prepared_file: Path, tmp_path: Path
) -> None:
    entry = TuneEntry(
        **common, link_name="l", fraction=1.0, seeds=(0, 1), tune=Tune(optimisers=(DIVERGES, ADAMW), draws=2)
    )
    tune.run(
        prepared_file,
        entry,
        encoders=[],
        choice=tmp_path / "choice.json",
        grid=tmp_path / "grid.csv",
        journal=tmp_path / "j.jsonl",
        states=tmp_path / "states",
    )
    grid = pd.read_csv(tmp_path / "grid.csv")
    assert len(grid) == 2 * 2 * len(BUDGETS)
    choice = json.loads((tmp_path / "choice.json").read_text())
    means = grid.groupby(["budget_epochs", "optimiser"]).validation_accuracy.mean().unstack()
    assert choice["optimisers"]["3"] == ADAMW
    for budget in BUDGETS:
        assert choice["validation_accuracy"][str(budget)] == pytest.approx(means.loc[budget].max())


def test_budgets_are_trainings_of_their_own_with_their_cost(
    common: dict[str, object], prepared_file: Path, tmp_path: Path
) -> None:
    given = FinetuneEntry(**common, fraction=0.5, link_name="l", seed=0)
    finetune(given, prepared_file, tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")
    losses = history[history.metric == "loss"].groupby("budget_epochs").value.apply(list)
    assert [len(losses[b]) for b in BUDGETS] == [1, 3]
    assert losses[1][0] != losses[3][0], "each budget has its own schedule and draws"
    cost = pd.read_csv(tmp_path / "communication.csv").set_index("budget_epochs")
    # 80 frames to train on, 5 full batches of 16: rounds are those of the fully labelled set.
    for budget in BUDGETS:
        expected = communication(rounds=5 * budget, batch_size=16, devices=2, channel_uses=8)
        assert cost.loc[budget, list(expected)].to_dict() == expected


@pytest.fixture
def demanding(common: dict[str, object], finetuning: Finetune) -> dict[str, object]:
    """A link with all that can be drawn: gains, pilots, an SNR a sample, a noisy way back."""
    link = Link(
        channel={"use": "rayleigh", "csi": "estimated", "pilots": 2},
        channel_uses=8,
        train_snr_db={"uniform": (5, 25)},
        downlink_snr_db=10,
    )
    sender = {"use": "snr_aware", "hidden": 4}
    return common | {"link": link, "finetune": finetuning.model_copy(update={"sender": sender})}


@pytest.mark.parametrize("kind", ["common", "demanding"])
def test_a_killed_finetuning_ends_bit_identical(
    kind: str,
    request: pytest.FixtureRequest,
    prepared_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    common = request.getfixturevalue(kind)
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    given = FinetuneEntry(**common, fraction=1.0, link_name="l", seed=0)
    finetune(given, prepared_file, tmp_path / "whole")

    class Killed(BaseException):
        pass

    def die(*_args: object, **_kwargs: object) -> float:
        raise Killed

    with monkeypatch.context() as patch:
        # in the first epoch of the second budget's validation
        patch.setattr(stage, "validate", die)
        with pytest.raises(Killed):
            finetune(given, prepared_file, tmp_path / "cut")
    finetune(given, prepared_file, tmp_path / "cut")
    for name in ("models.pt", "history.csv", "communication.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name


@pytest.fixture
def swept(
    common: dict[str, object], prepared_file: Path, tmp_path: Path
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    finetune(FinetuneEntry(**common, fraction=1.0, link_name="l", seed=0), prepared_file, tmp_path)
    entry = EvaluateEntry(**common, link_name="l", seed=0, evaluate=Evaluate(snr_db=(-10, 0, 20), draws=6))
    sweep.run(
        prepared_file,
        entry,
        models=tmp_path / "models.pt",
        sweep=tmp_path / "sweep.csv",
        predictions=tmp_path / "predictions.npz",
        journal=tmp_path / "j.jsonl",
    )
    with np.load(tmp_path / "predictions.npz") as archive:
        return pd.read_csv(tmp_path / "sweep.csv"), dict(archive)


def test_the_sweep_is_what_its_predictions_say(
    swept: tuple[pd.DataFrame, dict[str, np.ndarray]],
) -> None:
    table, said = swept
    assert said["predicted"].shape == (len(BUDGETS), 3, 6, 50)
    rows = table[table.metric == "accuracy"].set_index(["budget_epochs", "snr_db", "draw"]).value
    for b, budget in enumerate(said["budgets"]):
        for s, snr in enumerate(said["snr_db"]):
            for draw in range(6):
                right = (said["predicted"][b, s, draw] == said["truth"]).mean()
                assert rows[budget, snr, draw] == pytest.approx(right)
    means = rows.groupby(["budget_epochs", "snr_db"]).mean()
    assert means[3, 20] > means[3, -10], "noise costs accuracy"
    assert means[3, 20] > 0.6, "three easy classes are learnt"


def test_the_link_delivers_the_snr_asked(swept: tuple[pd.DataFrame, dict[str, np.ndarray]]) -> None:
    table, _ = swept
    delivered = table[table.metric == "delivered_snr_db"].groupby("snr_db").value.mean()
    # 2 budgets × 6 draws × 50 frames × 2 devices × 8 uses = 9,600 draws of noise power, of which the 4,800
    # of both budgets are the same: sd 10 log10(e) / sqrt(4,800) = 0.063 dB; 4 of them are allowed.
    for snr, value in delivered.items():
        assert abs(value - snr) < 0.25
    spread = (
        table[table.metric == "delivered_snr_db_worst"].value
        - table[table.metric == "delivered_snr_db"].value.values
    )
    assert spread.abs().max() < 1e-4, "every frame and device has the same power"
    assert table[table.metric == "power_db_farthest"].value.abs().max() < 1e-5


def test_nll_and_ece_are_of_the_scores_behind_the_accuracy(
    swept: tuple[pd.DataFrame, dict[str, np.ndarray]],
    common: dict[str, object],
    frames: DeviceFrames,
    tmp_path: Path,
) -> None:
    table, said = swept
    entry = EvaluateEntry(**common, link_name="l", seed=0, evaluate=Evaluate(snr_db=(-10, 0, 20), draws=6))
    system = system_for(entry, frames)
    weights.load_into(system, tmp_path / "models.pt", part="3")
    symbols = encode_frames(system, frames.plain(np.arange(100, 150)))
    noise = generator(0, "evaluate", "l")
    n0 = n0_from_db(torch.tensor([-10.0, 0.0, 20.0]))
    scores, _ = transmit(system, symbols, n0, draws=6, generator=noise)
    rows = table[table.budget_epochs == 3].set_index(["metric", "snr_db", "draw"]).value
    truth = torch.from_numpy(said["truth"])
    for s, snr in enumerate((-10, 0, 20)):
        for draw in range(6):
            expected = float(F.cross_entropy(scores[s, draw], truth))
            assert rows["nll", snr, draw] == pytest.approx(expected, rel=1e-5)
            confidence = scores[s, draw].softmax(-1).amax(-1).mean()
            # over all bins at once the gap can only be smaller
            assert abs(rows["accuracy", snr, draw] - float(confidence)) <= rows["ece", snr, draw] + 1e-6


def test_the_demanding_link_is_counted_learnt_and_swept(
    demanding: dict[str, object], frames: DeviceFrames, prepared_file: Path, tmp_path: Path
) -> None:
    finetune(FinetuneEntry(**demanding, fraction=1.0, link_name="l", seed=0), prepared_file, tmp_path)
    cost = pd.read_csv(tmp_path / "communication.csv").set_index("budget_epochs")
    expected = communication(
        rounds=15, batch_size=16, devices=2, channel_uses=8, pilots=2, noisy_downlink=True
    )
    assert cost.loc[3, list(expected)].to_dict() == expected
    entry = EvaluateEntry(**demanding, link_name="l", seed=0, evaluate=Evaluate(snr_db=(-10, 25), draws=5))
    sweep.run(
        prepared_file,
        entry,
        models=tmp_path / "models.pt",
        sweep=tmp_path / "sweep.csv",
        predictions=tmp_path / "predictions.npz",
        journal=tmp_path / "j.jsonl",
    )
    table = pd.read_csv(tmp_path / "sweep.csv")
    assert not table.duplicated(["budget_epochs", "snr_db", "draw", "metric"]).any()
    assert len(table) == 2 * 2 * 5 * len({"accuracy", "balanced_accuracy", "nll", "ece", "power_db_farthest"})
    assert table[table.metric == "power_db_farthest"].value.abs().max() < 1e-5
    means = table[table.metric == "accuracy"].groupby(["budget_epochs", "snr_db"]).value.mean()
    assert means[3, 25] > means[3, -10], "noise costs accuracy"
    # what was sent at 25 dB was encoded for 25 dB
    system = system_for(entry, frames)
    weights.load_into(system, tmp_path / "models.pt", part="3")
    symbols = encode_frames(system, frames.plain(np.arange(100, 150)), torch.tensor(25.0))
    noise = generator(0, "evaluate", "l")
    scores, _ = transmit(system, symbols, n0_from_db(torch.tensor([25.0])), draws=5, generator=noise)
    with np.load(tmp_path / "predictions.npz") as archive:
        np.testing.assert_array_equal(archive["predicted"][1, 1], scores[0].argmax(-1).numpy())


def test_a_fixed_training_snr_draws_nothing_and_a_range_one_a_sample() -> None:
    draws = generator(0)
    before = draws.get_state()
    fixed = training_snr_db(Link(channel={"use": "awgn"}, channel_uses=8, train_snr_db=7), 5, draws)
    assert (fixed.shape, float(fixed)) == ((), 7.0)
    assert torch.equal(draws.get_state(), before)
    ranged = Link(channel={"use": "awgn"}, channel_uses=8, train_snr_db={"uniform": (0, 20)})
    drawn = training_snr_db(ranged, 500, draws)
    assert drawn.shape == (500, 1, 1)
    assert 0 <= drawn.min() < 1 < 19 < drawn.max() <= 20


@pytest.mark.parametrize("content", [None, "{", "[]", '{"optimisers": {"1": {}}}'])
def test_a_choice_that_tuning_did_not_write_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "choice.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SemcomError, match=r"choice\.json"):
        stage.chosen(path, BUDGETS)
