import math
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError, Stopped
from semcom.training import loop
from semcom.training.loop import Clock, Epoch, Plan, fit, minibatches
from semcom.training.optimisers import SGD, AdamW, schedule
from semcom.training.randomness import generator, seeded
from semcom.training.state import State, state

DATA = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))


class Killed(Exception):
    pass


@dataclass
class Trained:
    module: nn.Module
    history: list[Epoch]
    batches: list[Tensor]
    """Of this process: what was used."""


def network() -> nn.Module:
    with seeded(0, "init"):
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))


def training(
    held: State,
    *,
    die_after: int | None = None,
    die_in: int | None = None,
    stop_in: int | None = None,
    rate: float = 0.05,
    clock: Clock | None = None,
) -> Trained:
    """Six epochs of four steps with noise of our own, dropout and BatchNorm.

    Killed after epoch `die_after` or in step `die_in` of all, or sent SIGTERM in step `stop_in`.
    """
    module = network()
    used: list[Tensor] = []

    def batches(draws: torch.Generator) -> Iterator[Tensor]:
        return minibatches(torch.arange(64), steps=4, batch_size=16, draws=draws)

    def loss(batch: Tensor, draws: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        if len(used) == die_in:
            raise Killed
        if len(used) == stop_in:
            os.kill(os.getpid(), signal.SIGTERM)
        used.append(batch)
        noisy = DATA[batch] + 0.1 * torch.randn(16, 5, generator=draws)
        value = (module(noisy)[:, 0] - DATA[batch].sum(1)).square().mean()
        return value, {"twice": 2 * value.detach()}

    def after(epoch: int, means: Epoch) -> Epoch:
        if epoch == die_after:
            raise Killed
        return {"epoch": float(epoch)}

    plan = Plan(epochs=6, steps=4, warmup=0.1, seed=3, purpose="test")
    history = fit(
        module,
        SGD(lr=rate)(module),
        batches=batches,
        loss=loss,
        plan=plan,
        held=held,
        after=after,
        clock=clock,
    )
    return Trained(module, history, used)


def whole(tmp_path: Path) -> Trained:
    with state(tmp_path, "whole") as held:
        return training(held)


def assert_same(a: Trained, b: Trained) -> None:
    assert a.history == b.history
    for (name, one), other in zip(a.module.state_dict().items(), b.module.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize(
    ("when", "left"),
    [({"die_after": 3}, 8), ({"die_after": 5}, 0), ({"die_in": 10}, 14), ({"die_in": 12}, 12)],
    ids=str,
)
def test_a_killed_training_ends_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: dict[str, int], left: int
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    with pytest.raises(Killed), state(tmp_path, "cut") as held:
        training(held, **when)
    with state(tmp_path, "cut") as held:
        assert held.resumed
        resumed = training(held)
    assert len(resumed.batches) == left, "of 24 steps only those after the last checkpoint are taken again"
    assert_same(resumed, whole(tmp_path))


@pytest.mark.parametrize("step", [0, 9, 11, 23])
def test_sigterm_stops_after_the_step_and_what_follows_is_bit_identical(tmp_path: Path, step: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    message = f"SIGTERM: stopped after step {step % 4 + 1}/4 of epoch {step // 4 + 1}/6; run the same command"
    with pytest.raises(Stopped, match=message), state(tmp_path, "cut") as held:
        training(held, stop_in=step)
    assert signal.getsignal(signal.SIGTERM) is before
    with state(tmp_path, "cut") as held:
        resumed = training(held)
    assert len(resumed.batches) == 23 - step
    assert_same(resumed, whole(tmp_path))


def test_a_training_may_be_stopped_again_and_again(tmp_path: Path) -> None:
    for _ in range(6):
        with pytest.raises(Stopped), state(tmp_path, "cut") as held:
            training(held, stop_in=2)
    with state(tmp_path, "cut") as held:
        resumed = training(held)
    assert len(resumed.batches) == 24 - 3 * 6
    assert_same(resumed, whole(tmp_path))


@pytest.mark.parametrize("every", [0.0, 3600.0], ids=["checkpoints", "none"])
@pytest.mark.parametrize("when", [{"die_after": 3}, {"die_in": 10}], ids=str)
def test_seconds_are_of_each_step_once_whatever_a_kill_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: dict[str, int], every: float
) -> None:
    """On a clock that a step takes a second of."""
    monkeypatch.setattr(loop, "CHECKPOINT_S", every)
    now, schedule_of = [0.0], loop.schedule

    def tick(*args: int, **more: float) -> float:
        now[0] += 1
        return schedule_of(*args, **more)

    monkeypatch.setattr(loop, "schedule", tick)  # called once a step
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])
    with pytest.raises(Killed), state(tmp_path, "cut") as held:
        training(held, **when)
    now[0] += 1000  # before it is started again
    clock = Clock()
    with state(tmp_path, "cut") as held:
        assert held.resumed == (every == 0)
        training(held, clock=clock)
    assert clock.seconds == 24


def test_history_has_means_over_steps(tmp_path: Path) -> None:
    with state(tmp_path, "x") as held:
        history = training(held).history
    assert [epoch["epoch"] for epoch in history] == list(range(6))
    for epoch in history:
        assert epoch["twice"] == pytest.approx(2 * epoch["loss"], rel=1e-6)
    assert history[-1]["loss"] < history[0]["loss"]


def test_a_loss_that_is_not_finite_names_epoch_and_rate(tmp_path: Path) -> None:
    message = "the loss is (nan|inf) in epoch .* learning rate of 1e\\+20; lower"
    with pytest.raises(SemcomError, match=message), state(tmp_path, "x") as held:
        training(held, rate=1e20)


@pytest.mark.parametrize(
    ("factor", "terms", "said"),
    [
        (math.nan, {}, r"the loss is nan in the first step, before any update, .* \(loss mine\); look there"),
        (math.inf, {}, r"the loss is inf in the first step"),
        (1.0, {"loss": torch.tensor(1.0)}, r"a term to log is called 'loss', the name of the whole"),
    ],
)
def test_a_first_loss_is_looked_at_before_it_changes_anything(
    tmp_path: Path, factor: float, terms: dict[str, Tensor], said: str
) -> None:
    module = network()
    before = [parameter.clone() for parameter in module.parameters()]
    with pytest.raises(SemcomError, match=said), state(tmp_path, "x") as held:
        fit(
            module,
            SGD(lr=0.1)(module),
            batches=lambda draws: minibatches(torch.arange(64), steps=4, batch_size=16, draws=draws),
            loss=lambda batch, draws: (module(DATA[batch]).square().mean() * factor, terms),
            plan=Plan(epochs=1, steps=4, warmup=0.1, seed=3, purpose="test"),
            held=held,
            after=lambda epoch, means: {},
            whence="loss mine",
        )
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), before, strict=True))


def test_minibatches_are_full_and_pass_over_all_frames() -> None:
    frames = torch.arange(100, 110)
    batches = list(minibatches(frames, steps=7, batch_size=4, draws=generator(0)))
    assert [len(batch) for batch in batches] == [4] * 7
    drawn = torch.cat(batches)
    assert sorted(drawn[:10].tolist()) == frames.tolist()
    assert sorted(drawn[10:20].tolist()) == frames.tolist()


def test_schedule_rises_then_falls_to_zero() -> None:
    factors = [schedule(step, steps=100, warmup=0.1) for step in range(100)]
    assert max(factors) == pytest.approx(1.0)
    assert factors.index(max(factors)) == 10
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[-1] < 0.001
    assert factors[55] == pytest.approx(0.5)
    assert math.isfinite(schedule(0, steps=1, warmup=0.0))


def test_biases_and_normalisation_do_not_decay() -> None:
    module = network()
    for make in (AdamW(weight_decay=0.3), SGD(weight_decay=0.3)):
        decays = {
            id(p): group["weight_decay"] for group in make(module).param_groups for p in group["params"]
        }
        for parameter in module.parameters():
            assert decays[id(parameter)] == (0.3 if parameter.ndim > 1 else 0.0)
