"""Calibration of channels: anybody's function from its name, or all of ours.

A function is called `function(symbols, n0)`, and with `generator=` if it has that argument. `symbols` are
complex (B, k), B blocks of k channel uses; n0 is the noise variance per complex channel use, a number and
once an array (B, 1); it returns the received symbols, complex (B, k). With `numpy`, arrays and generator are
NumPy's, else PyTorch's. A class is made first, with the options given, then called; it is held to what it
says of itself, as in a study.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from semcom.channel import CHANNELS, checks
from semcom.channel.blocks import Channel
from semcom.channel.calibration import TOLERANCE_DB, calibrate, power_rows
from semcom.channel.checks import Claim, Row
from semcom.channel.distortion import STATED, claim_of, measured
from semcom.channel.fading import estimate_gain, gains
from semcom.evaluate.named import find, parameters
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.params.component import build, said
from semcom.params.sections import Component
from semcom.training.randomness import generator, seeded

PILOTS = 2
K_FACTOR_DB = 6.0
COLUMNS = ("snr_db", "check", "value", "expected", "tolerance", "draws", "z", "ok", "note")


def function(
    reference: str,
    *,
    snr_db: Sequence[float],
    channel_uses: int,
    numpy: bool,
    options: Mapping[str, Any] | None = None,
    overruled: Mapping[str, Any] | None = None,
    tolerance_db: float = TOLERANCE_DB,
) -> list[Row]:
    """Calibrate the function or class at `package.module:name`.

    Args:
        reference: where it is.
        snr_db: Es/N0 in dB at which to measure.
        channel_uses: k of a block.
        numpy: whether it takes arrays.
        options: of a class, by name; None: its defaults.
        overruled: attributes of `Claim` that stand in place of what it says of itself.
        tolerance_db: on SNR and mean gain.

    Raises:
        SemcomError: there is no such function, it fails, or it returns no symbols; the class has no such
            options, or says of itself what there is not.
    """
    target = find(reference, options or {})
    channel = _adapted(target, reference, numpy)
    with seeded(0, "calibrate", "function"):  # never the draws of the symbols
        rows = measured(
            channel,
            claim=replace(claim_of(target), **(overruled or {})),
            snr_db=snr_db,
            channel_uses=channel_uses,
            tolerance_db=tolerance_db,
            generator=generator(0, "calibrate"),
        )
    return [{"function": reference, **row} for row in rows]


def ours(
    *, snr_db: Sequence[float], channel_uses: int, tolerance_db: float = TOLERANCE_DB
) -> Iterator[list[Row]]:
    """Calibrate every channel of CHANNELS in every CSI mode, one after the other."""
    for component, claim in claims():
        place = {"channel": component["use"], "csi": claim.csi if claim.fades else ""}
        draws = generator(0, "calibrate", *map(str, place.values()))
        channel: Channel = build(CHANNELS, component)
        rows = calibrate(
            channel,
            claim=claim,
            snr_db=snr_db,
            channel_uses=channel_uses,
            tolerance_db=tolerance_db,
            generator=draws,
        )
        if claim.csi == "estimated":
            rows += [_estimate(claim, one, tolerance_db, draws) for one in snr_db]
        yield [{**place, **row} for row in rows]


def link(
    component: Component,
    symbols: Tensor | None = None,
    *,
    snr_db: Sequence[float],
    tolerance_db: float = TOLERANCE_DB,
    seed: int = 0,
) -> list[Row]:
    """Calibrate a link of a study: its channel, and the power of what a trained system sends over it.

    Args:
        component: the link's channel, `{"use": name, **options}`.
        symbols: (N, devices, k) complex, as they enter the channel; None: the channel alone.
        snr_db: Es/N0 in dB at which to measure the channel.
        tolerance_db: on SNR, mean gain and power.
        seed: of the draws.
    """
    channel: Channel = build(CHANNELS, component)
    rows = measured(
        channel,
        claim=claim_of(channel),
        snr_db=snr_db,
        tolerance_db=tolerance_db,
        generator=generator(seed, "calibrate", *map(str, component.values())),
    )
    sent = [] if symbols is None else power_rows(symbols, tolerance_db=tolerance_db)
    return rows + [{"snr_db": snr_db[0], **row} for row in sent]


def claims() -> Iterator[tuple[Component, Claim]]:
    """Every channel × CSI mode of ours, and what it must be."""
    yield {"use": "awgn"}, Claim()
    for component, k_factor in (
        ({"use": "rayleigh"}, 0.0),
        ({"use": "rician", "k_factor_db": K_FACTOR_DB}, 10 ** (K_FACTOR_DB / 10)),
    ):
        claim = Claim(k_factor=k_factor)
        yield {**component, "csi": "none"}, claim
        yield {**component, "csi": "receiver"}, replace(claim, csi="receiver")
        yield {**component, "csi": "estimated", "pilots": PILOTS}, replace(claim, csi="estimated")


def _estimate(claim: Claim, snr_db: float, tolerance_db: float, draws: torch.Generator) -> Row:
    """The error of the estimated gain beside n0/pilots."""
    n0 = 10 ** (-snr_db / 10)
    count = int(1.1 * (checks.Z * 10 / np.log(10) / tolerance_db) ** 2)
    gain = gains((count, 1), k_factor=claim.k_factor, generator=draws)
    error = (estimate_gain(gain, n0, pilots=PILOTS, generator=draws) - gain).abs().square().flatten()
    values = error.double().numpy() * PILOTS / n0
    return {"snr_db": snr_db, **checks.ratio_db("estimate_error_db", values, 0.0, tolerance_db)}


def finish(rows: Sequence[Row], csv: Path | None) -> None:
    """Write the table if asked, and say what is out of tolerance.

    Raises:
        SemcomError: naming the checks that are out of tolerance.
    """
    if csv is not None:
        write_rows(csv, [{**row, **{name: _short(row[name]) for name in COLUMNS[1:]}} for row in rows])
    bad = [row for row in rows if row["ok"] is False]
    if bad:
        names = ", ".join(f"{row['check']} at {row['snr_db']:g} dB" for row in bad)
        made = sum(row["ok"] is not None for row in rows)
        raise SemcomError(f"{len(bad)} of {made} checks are out of tolerance: {names}")


def table(rows: Sequence[Row]) -> Table:
    """The rows that apply, for the terminal; below them why the others do not."""
    place = {name: str(rows[0][name]) for name in rows[0] if name not in COLUMNS}
    why: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["ok"] is None:
            why.setdefault(str(row["note"]), {})[str(row["check"])] = None
    below = "\n".join(f"does not apply ({note}): {', '.join(names)}" for note, names in why.items())
    shown = Table(
        title=", ".join(filter(None, place.values())),
        caption=below,
        box=None,
        caption_justify="left",
        padding=(0, 1, 0, 0),
    )
    for name in COLUMNS[:-1]:
        shown.add_column(name, no_wrap=True, justify="left" if name in ("check", "ok") else "right")
    for row in rows:
        if row["ok"] is not None:
            stated = row["ok"] == STATED
            cells = [f"{row['snr_db']:g}", *(_short(row[name]) for name in COLUMNS[1:-3])]
            style = None if row["ok"] else "bold red"
            z = "" if stated else f"{row['z']:.1f}"
            shown.add_row(*cells, z, STATED if stated else "ok" if row["ok"] else "OUT", style=style)
    return shown


def _short(value: object) -> str:
    """Four significant digits, three decimals above 1; nothing for what does not apply."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 1 else f"{value:.4g}"
    return str(value)


def _adapted(target: Callable[..., Any], reference: str, numpy: bool) -> Channel:
    """`target` as a channel of ours."""
    takes_generator = "generator" in parameters(target)
    rng = np.random.default_rng(0)

    def channel(symbols: Tensor, n0: Tensor | float, source: torch.Generator) -> Tensor:
        values = [v.numpy() if numpy and isinstance(v, Tensor) else v for v in (symbols, n0)]
        options = {"generator": rng if numpy else source} if takes_generator else {}
        try:
            received = target(*values, **options)
        except (Exception, SystemExit) as error:
            why = said(error, reference.partition(":")[0])
            raise SemcomError(f"{reference} failed on symbols {tuple(symbols.shape)}: {why}") from error
        if numpy and isinstance(received, np.ndarray):
            return torch.from_numpy(received)
        if not isinstance(received, Tensor):
            wanted = "an array" if numpy else "a tensor"
            raise SemcomError(f"{reference} returned {type(received).__name__}; it must return {wanted}")
        return received.detach()

    return channel
