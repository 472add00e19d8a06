"""A link in a changing world: each strategy against the training that it is said to be, and what it sends."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from semcom.channel.snr import n0_from_db
from semcom.evaluate import sweep
from semcom.finetune import adapt, changing, stage, strategies
from semcom.finetune.train import setting, started, train
from semcom.frames.device import DeviceFrames
from semcom.models.encoder import Encoders
from semcom.models.system import System, system_for
from semcom.params.entries import ChangingEntry, EvaluateEntry, FinetuneEntry
from semcom.params.sections import ChannelState, Compute, Encoder, Evaluate, Finetune, Link
from semcom.tracking import runs
from semcom.training import loop, weights
from semcom.training.loop import Epoch
from semcom.training.randomness import generator, seeded
from semcom.training.state import State, state

BUDGETS = (1, 2)
START = 2
DRAWS = 3
ADAMW = {"use": "adamw", "lr": 3e-3, "weight_decay": 0.05}
RAYLEIGH = {"use": "rayleigh", "csi": "estimated", "pilots": 2, "equaliser": "mmse"}
STATES = (ChannelState(channel=RAYLEIGH, snr_db=5), ChannelState(channel={"use": "awgn"}, snr_db=0))

WORLD = {"changing": "world", "states": STATES, "start_budget": START, "draws": DRAWS}
COMMON: dict[str, object] = {
    "study": "test",
    "data": "0" * 32,
    "code": "1" * 16,
    "compute": Compute(),
    "method": "m",
    "labels": "all",
    "modalities": ("rgb", "depth"),
    "encoder": Encoder(backbone={"use": "resnet18", "width_mult": 0.125}),
    "finetune": Finetune(
        head={"use": "mlp", "hidden": 16}, batch_size=16, views={"use": "rgbd", "strength": 0.5}
    ),
    "link": Link(channel={"use": "awgn"}, channel_uses=8),
    "budgets": BUDGETS,
    "link_name": "l",
    "seed": 0,
}
LINK = COMMON["link"]
ENTRY = ChangingEntry(**COMMON, **WORLD, fraction=1.0)


class Plain:
    """Views that are the frames as they are."""

    def __call__(self, rgb, depth, draws):
        return rgb, depth


class Through:
    """A channel without noise, which draws nothing."""

    pilots = 0

    def __call__(self, symbols, n0, generator=None):
        return symbols


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, prepared_file: Path) -> Path:
    """Encoders that stand for pre-trained ones, the choice of optimisers, the link's weights; a whole job."""
    folder = tmp_path_factory.mktemp("changing")
    with seeded(7, "pre-trained"):
        encoders = Encoders(("rgb", "depth"), (32, 24), COMMON["encoder"])
    weights.save(folder / "encoders.pt", encoders.state_dict())
    (folder / "choice.json").write_text(json.dumps({"optimisers": {str(b): ADAMW for b in BUDGETS}}))
    finetuned(folder, prepared_file, COMMON, pretrained=True)
    run(folder, prepared_file, ENTRY)
    return folder


def finetuned(
    folder: Path, frames: Path, common: dict[str, object], *, pretrained: bool, at: str = ""
) -> Path:
    """What fine-tuning over a link makes; its files lie in `folder / at`."""
    stage.run(
        frames,
        FinetuneEntry(**common, fraction=1.0),
        encoders=folder / "encoders.pt" if pretrained else None,
        choice=folder / "choice.json",
        models=folder / at / "models.pt",
        history=folder / at / "history.csv",
        communications=folder / at / "communication.csv",
        journal=folder / at / "finetune.jsonl",
        states=folder / "states",
    )
    return folder / at / "models.pt"


def run(
    folder: Path,
    frames: Path,
    entry: ChangingEntry,
    *,
    pretrained: bool = True,
    models: Path | None = None,
    at: str = "",
) -> Path:
    output = folder / at / "adapt.csv"
    changing.run(
        frames,
        entry,
        encoders=folder / "encoders.pt" if pretrained else None,
        choice=folder / "choice.json",
        models=models or folder / "models.pt",
        output=output,
        journal=folder / at / "changing.jsonl",
        states=folder / "states",
    )
    return output


@pytest.fixture
def found(folder: Path) -> "pd.Series[float]":
    """Test accuracy of the whole job by strategy, state and budget."""
    return accuracies(folder / "adapt.csv")


def accuracies(output: Path) -> "pd.Series[float]":
    table = pd.read_csv(output)
    return table[table.metric == "test_accuracy"].set_index(["strategy", "state", "budget_epochs"]).value


def swept(folder: Path, frames: Path, common: dict[str, object], models: Path) -> "pd.Series[float]":
    """Mean accuracy of a fine-tuned link in the sweep over SNR, by budget and SNR."""
    sweep.run(
        frames,
        EvaluateEntry(**common, evaluate=Evaluate(snr_db=(0, 5, 10), draws=DRAWS)),
        models=models,
        sweep=folder / "sweep.csv",
        predictions=folder / "predictions.npz",
        journal=folder / "sweep.jsonl",
    )
    table = pd.read_csv(folder / "sweep.csv")
    return table[table.metric == "accuracy"].groupby(["budget_epochs", "snr_db"]).value.mean()


def over(number: int) -> Link:
    """The link at a state of the list."""
    world = {"channel": STATES[number].channel, "train_snr_db": STATES[number].snr_db}
    return LINK.model_copy(update=world)


def told(path: Path) -> dict[tuple[str, str, int], float]:
    """What a journal says, by run, metric and step."""
    return {
        (found.key, point.metric, point.step): point.value
        for found in runs.read(path, "")
        for point in found.points
    }


def of_one(held: State, logged: list[Epoch] | None = None) -> adapt.Training:
    """A training of one epoch; what it logs goes to `logged`."""

    def after(_: int, means: Epoch) -> Epoch:
        if logged is not None:
            logged.append(means)
        return {}

    return adapt.Training(1, ADAMW, held, "training", "purpose", after)


def test_every_strategy_state_and_budget_has_its_accuracies_and_its_cost(folder: Path) -> None:
    table = pd.read_csv(folder / "adapt.csv")
    found = table.groupby(["strategy", "budget_epochs"], sort=False).state.apply(list)
    expected = {("none", 0): [0, 0, 1, 1, 2, 2]}
    expected |= {(s, b): [1, 1, 2, 2] for s in ("own", "head", "encoders", "scratch") for b in BUDGETS}
    expected |= {("all_states", b): [0, 0, 1, 1, 2, 2] for b in BUDGETS}
    assert found.to_dict() == expected
    assert table.value.between(0, 1).all()
    assert list(table.state_name.unique()) == ["l", "rayleigh (csi estimated, pilots 2) 5 dB", "awgn 0 dB"]
    assert dict(zip(table.state, table.snr_db, strict=True)) == {0: 10, 1: 5, 2: 0}
    # 5 rounds of 16 frames an epoch, 2 devices, 8 channel uses; 2 pilots under fading.
    sent = table.set_index(["strategy", "state", "budget_epochs"])[["uplink_uses", "downlink_uses"]]
    for budget in BUDGETS:
        frames = 5 * 16 * budget * 2
        for strategy in ("own", "encoders", "scratch"):
            assert (sent.loc[strategy, 1, budget] == [frames * 10, frames * 8]).all().all()
            assert (sent.loc[strategy, 2, budget] == [frames * 8, frames * 8]).all().all()
        assert (sent.loc["head", 1, budget] == [frames * 10, 0]).all().all()
        assert (sent.loc["head", 2, budget] == [frames * 8, 0]).all().all()
        # Of 80 frames an epoch 27 meet the start, 27 the fading, 26 the last state.
        pilots = budget * 27 * 2 * 2
        assert (sent.loc["all_states", 0, budget] == [frames * 8 + pilots, frames * 8]).all().all()
        assert (sent.loc["all_states", [1, 2], budget] == 0).all().all()
    assert (sent.loc["none"] == 0).all().all()


def test_without_trained_encoders_there_is_no_such_strategy(folder: Path, prepared_file: Path) -> None:
    short = ENTRY.model_copy(update={"budgets": (1,), "states": STATES[:1]})
    found = accuracies(run(folder, prepared_file, short, pretrained=False, at="plain"))
    assert list(found.index.unique("strategy")) == ["none", "own", "head", "scratch", "all_states"]


def test_the_weights_as_they_are_reach_what_the_sweep_says(
    folder: Path, prepared_file: Path, found: "pd.Series[float]"
) -> None:
    plain = swept(folder, prepared_file, COMMON, folder / "models.pt")
    faded = swept(folder, prepared_file, COMMON | {"link": over(0)}, folder / "models.pt")
    expected = [plain[START, 10], faded[START, 5], plain[START, 0]]
    assert found["none"].to_numpy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("strategy", "pretrained"), [("encoders", True), ("scratch", False)])
def test_afresh_at_a_state_is_fine_tuning_over_a_link_of_that_state(
    strategy: str, pretrained: bool, folder: Path, prepared_file: Path, found: "pd.Series[float]"
) -> None:
    there = COMMON | {"link": over(0)}
    models = finetuned(folder, prepared_file, there, pretrained=pretrained, at=f"afresh {strategy}")
    expected = swept(folder, prepared_file, there, models)
    for budget in BUDGETS:
        assert found[strategy, 1, budget] == pytest.approx(expected[budget, 5], abs=1e-12)


def test_own_weights_go_from_state_to_state_at_one_budget(
    folder: Path, frames: DeviceFrames, found: "pd.Series[float]"
) -> None:
    losses = {}
    for chained in (True, False):
        system = system_for(ENTRY, frames)
        weights.load_into(system, folder / "models.pt", part=str(START))
        for number in (0, 1) if chained else (1,):
            there = ENTRY.model_copy(update={"link": over(number)})
            moved = system_for(there, frames)
            moved.load_state_dict(system.state_dict())
            given = setting(there, frames, seed=0, encoders=None)
            with state(folder / "states", f"own{number}{chained}") as held:
                system, logged = train(
                    given,
                    budget=2,
                    optimiser=ADAMW,
                    held=held,
                    name="training",
                    after=lambda *_: {},
                    system=moved,
                    purpose=f"changing/{number + 1}/2",
                )
            if chained:
                accuracy = strategies.accuracy_on_test(given, system, link_name="l", draws=DRAWS)
                assert accuracy == found["own", number + 1, 2]
        losses[chained] = logged[-1]["loss"]
    ((_, said),) = [
        (key, value)
        for (key, metric, step), value in told(folder / "changing.jsonl").items()
        if "strategy=own" in key and "budget_epochs=2" in key and (metric, step) == ("train/loss_state2", 2)
    ]
    assert said == losses[True] != losses[False]


def parts(system: System) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Copies of the devices' and of the server's weights and statistics."""
    content = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    server = {name: tensor for name, tensor in content.items() if name.startswith("server.")}
    return {name: tensor for name, tensor in content.items() if name not in server}, server


def test_training_the_head_leaves_devices_as_they_are(folder: Path, frames: DeviceFrames) -> None:
    given = setting(ENTRY.model_copy(update={"link": over(0)}), frames, seed=0, encoders=None)
    system = system_for(given.entry, frames)
    weights.load_into(system, folder / "models.pt", part=str(START))
    devices, server = parts(system)
    with state(folder / "states", "head") as held:
        adapt.train_server(given, system, of_one(held))
    after, trained = parts(system)
    assert any(name.endswith("running_mean") for name in devices)
    assert devices.keys() == after.keys()
    for name, tensor in devices.items():
        assert torch.equal(tensor, after[name]), name
    assert not any(torch.equal(tensor, trained[name]) for name, tensor in server.items())


def test_a_list_of_equal_states_is_fine_tuning_over_one(folder: Path, frames: DeviceFrames) -> None:
    """Where neither views nor channel draw anything; then both trainings give the same bits."""
    link = Link(channel={"use": f"{__name__}:Through"}, channel_uses=8)
    finetune = COMMON["finetune"].model_copy(update={"views": {"use": f"{__name__}:Plain"}})
    entry = ENTRY.model_copy(update={"link": link, "finetune": finetune})
    given = setting(entry, frames, seed=0, encoders=folder / "encoders.pt")
    mixed, logged = started(given), []
    with state(folder / "states", "equal") as held:
        adapt.train_on_all(given, mixed, [link, link], of_one(held, logged))
    with state(folder / "states", "one") as held:
        one, history = train(
            given, budget=1, optimiser=ADAMW, held=held, name="t", after=lambda *_: {}, purpose="purpose"
        )
    assert logged[0]["loss"] == history[0]["loss"]
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, mixed.state_dict()[name]), name


def test_every_state_comes_equally_often_and_every_frame_as_without_states() -> None:
    frames = torch.arange(100, 132)
    batches = list(adapt.mixed_batches(frames, states=3, steps=5, batch_size=16, draws=generator(0)))
    assert [batch.shape for batch in batches] == [(16, 2)] * 5
    index, number = torch.cat(batches).unbind(1)
    assert torch.bincount(number).tolist() == [27, 27, 26]
    assert len({tuple(batch[:, 1].tolist()) for batch in batches}) == 5
    plain = torch.cat(list(loop.minibatches(frames, steps=5, batch_size=16, draws=generator(0))))
    assert torch.equal(index, plain)


def test_each_frame_goes_over_the_channel_of_its_state_at_its_snr() -> None:
    def scaled(factor: float):
        return lambda symbols, n0, _: factor * symbols + n0

    number = torch.tensor([2, 0, 1, 2])
    symbols = torch.randn(4, 2, 8, dtype=torch.complex64, requires_grad=True)
    links = [LINK.model_copy(update={"train_snr_db": snr}) for snr in (10.0, 5.0, 0.0)]
    n0 = n0_from_db(adapt._snr_db(links, number, generator(0)))
    assert n0.flatten().tolist() == pytest.approx([1, 0.1, 10**-0.5, 1])
    arrived = adapt._sent([scaled(f) for f in (1.0, 2.0, 3.0)], number, symbols, n0, generator(0))
    factors = torch.tensor([3.0, 1.0, 2.0, 3.0]).view(-1, 1, 1)
    assert torch.allclose(arrived, factors * symbols + n0)
    arrived.real.sum().backward()
    assert torch.allclose(symbols.grad.real, factors.expand(4, 2, 8))


def test_a_state_that_comes_again_is_trained_afresh_once(
    folder: Path, prepared_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    original = strategies.Job._train

    def counted(self, strategy, number, budget, last):
        trained.append(f"{strategy} {number}")
        return original(self, strategy, number, budget, last)

    monkeypatch.setattr(strategies.Job, "_train", counted)
    back = ENTRY.model_copy(update={"budgets": (1,), "states": (*STATES, STATES[0])})
    table = pd.read_csv(run(folder, prepared_file, back, at="back"))
    assert trained == [
        *(f"{strategy} {number}" for strategy in ("own", "head") for number in (1, 2, 3)),
        *(f"{strategy} {number}" for strategy in ("encoders", "scratch") for number in (1, 2)),
    ]
    rows = table.set_index(["strategy", "metric", "state"])[["value", "uplink_uses"]]
    for strategy in ("encoders", "scratch"):
        for metric in ("test_accuracy", "validation_accuracy"):
            assert (rows.loc[strategy, metric, 3] == rows.loc[strategy, metric, 1]).all()


@pytest.mark.parametrize("epochs", [5, 26])
def test_a_killed_job_ends_bit_identical(
    epochs: int, folder: Path, prepared_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after so many of the 27 epochs: in a chain at its second state, in the training over all."""
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)

    class Killed(BaseException):
        pass

    left = iter(range(epochs))

    def step(*_: object) -> None:
        if next(left, None) is None:
            raise Killed

    at = f"cut{epochs}"
    with monkeypatch.context() as patch:
        patch.setattr(strategies.Progress, "step", step)
        with pytest.raises(Killed):
            run(folder, prepared_file, ENTRY, at=at)
    assert list((folder / "states").glob("*/training*.pt")), "it was in the middle"
    run(folder, prepared_file, ENTRY, at=at)
    assert (folder / "adapt.csv").read_bytes() == (folder / at / "adapt.csv").read_bytes()
    whole = told(folder / "changing.jsonl")
    assert whole == told(folder / at / "changing.jsonl")
    assert sum(metric.startswith("train/loss") for _, metric, _ in whole) == (2 * 4 + 1) * sum(BUDGETS)
    assert not list((folder / "states").glob("*/"))


def test_a_demanding_link_changes_too(folder: Path, prepared_file: Path) -> None:
    """A sender that sees the SNR, an SNR a frame, a noisy way back."""
    link = Link(channel=RAYLEIGH, channel_uses=8, train_snr_db={"uniform": (5, 25)}, downlink_snr_db=10)
    sees = COMMON["finetune"].model_copy(update={"sender": {"use": "snr_aware", "hidden": 4}})
    demanding = {"link": link, "finetune": sees}
    models = finetuned(folder, prepared_file, COMMON | demanding, pretrained=True, at="demanding")
    given = ENTRY.model_copy(update=demanding | {"budgets": (1,)})
    output = run(folder, prepared_file, given, models=models, at="demanding")
    table = pd.read_csv(output)
    assert dict(zip(table.state, table.snr_db, strict=True)) == {0: 15, 1: 5, 2: 0}
    sent = table.set_index(["strategy", "state"])[["uplink_uses", "downlink_uses"]]
    assert (sent.loc["all_states", 0] == [160 * 8 + 54 * 2 * 2, 160 * 8]).all().all()
    faded = swept(folder, prepared_file, COMMON | demanding, models)
    assert accuracies(output)["none", 1, 0] == pytest.approx(faded[START, 5], abs=1e-12)
