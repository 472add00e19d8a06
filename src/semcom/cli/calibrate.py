"""`semcom evaluate calibrate`: what a channel really delivers."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

SnrDb = Annotated[
    list[float], typer.Option("--snr-db", help="Es/N0 in dB at power 1; may stand several times.")
]
Csv = Annotated[Path | None, typer.Option(help="Write the table to this file, too.")]


def calibrate(
    function: Annotated[
        str | None,
        typer.Argument(
            metavar="PACKAGE.MODULE:FUNCTION",
            help="Called function(symbols, n0), and with generator= if it has that argument: complex symbols "
            "(B, k), B blocks of k channel uses; n0 the noise variance per complex channel use; it returns "
            "complex (B, k). A class is made first. Left out: every channel of semcom in every CSI mode.",
        ),
    ] = None,
    *,
    snr_db: SnrDb = [0.0, 10.0, 20.0],  # noqa: B006 (typer's way of a repeatable option)
    channel_uses: Annotated[int, typer.Option(help="Channel uses k a block.")] = 64,
    fading: Annotated[
        Literal["none", "rayleigh", "rician"], typer.Option(help="What the function says it is.")
    ] = "none",
    k_factor_db: Annotated[float, typer.Option(help="Rician factor in dB, with `--fading rician`.")] = 6.0,
    csi: Annotated[
        Literal["none", "receiver", "estimated"],
        typer.Option(
            help="What its receiver knows of the gain; with `none` the gain is still on the symbols."
        ),
    ] = "none",
    constraint: Annotated[
        Literal["caller", "function"],
        typer.Option(help="Who scales symbols to power 1: the caller, or the function itself."),
    ] = "caller",
    numpy: Annotated[bool, typer.Option("--numpy", help="Call it with NumPy arrays.")] = False,
    csv: Csv = None,
) -> None:
    """Measure the SNR that a channel really delivers, and how it fades; exit code 1 if out of tolerance.

    The tolerance on the SNR is 0.05 dB, four standard errors of as many blocks as that takes.
    """
    from rich.console import Console

    from semcom.channel.checks import Claim
    from semcom.evaluate import calibrate as stage

    console, rows = Console(), []
    if function is None:
        for some in stage.ours(snr_db=snr_db, channel_uses=channel_uses):
            console.print(stage.table(some))
            rows += some
    else:
        k_factor = {"none": math.inf, "rayleigh": 0.0, "rician": 10 ** (k_factor_db / 10)}[fading]
        claim = Claim(k_factor=k_factor, csi=csi, constraint=constraint)
        rows = stage.function(function, claim=claim, snr_db=snr_db, channel_uses=channel_uses, numpy=numpy)
        console.print(stage.table(rows))
    stage.finish(rows, csv)
