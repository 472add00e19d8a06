"""`semcom evaluate calibrate`: what a channel really delivers."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from semcom.files.errors import SemcomError

K_FACTOR_DB = 6.0
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
            "complex (B, k). A class is made first, and held to what it says of itself. Left out: every "
            "channel of semcom in every CSI mode.",
        ),
    ] = None,
    *,
    snr_db: SnrDb = [0.0, 10.0, 20.0],  # noqa: B006 (typer's way of a repeatable option)
    channel_uses: Annotated[int, typer.Option(help="Channel uses k a block.")] = 64,
    option: Annotated[
        list[str] | None, typer.Option(help="Option NAME=VALUE of a class; may stand several times.")
    ] = None,
    law: Annotated[
        Literal["rician", "own", "unchecked"] | None,
        typer.Option(help="What its gain and noise are held to. Left out: what it says of itself."),
    ] = None,
    fading: Annotated[
        Literal["none", "rayleigh", "rician"] | None,
        typer.Option(help="Its fading. Left out: what it says of itself, or none."),
    ] = None,
    k_factor_db: Annotated[
        float | None, typer.Option(help="Rician factor in dB, with `--fading rician`; 6 if left out.")
    ] = None,
    csi: Annotated[
        Literal["none", "receiver", "estimated"] | None,
        typer.Option(
            help="What its receiver knows of the gain; with `none` the gain is still on the symbols. Left "
            "out: what it says of itself, or none."
        ),
    ] = None,
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

    from semcom.evaluate import calibrate as stage

    console, rows = Console(), []
    overruled = _overruled(law=law, fading=fading, k_factor_db=k_factor_db, csi=csi, constraint=constraint)
    if function is None:
        if option or len(overruled) > 1 or constraint != "caller":
            raise SemcomError(
                "options and claims are for a PACKAGE.MODULE:FUNCTION; name one, or leave them out"
            )
        for some in stage.ours(snr_db=snr_db, channel_uses=channel_uses):
            console.print(stage.table(some))
            rows += some
    else:
        rows = stage.function(
            function,
            snr_db=snr_db,
            channel_uses=channel_uses,
            numpy=numpy,
            options=dict(map(_pair, option or [])),
            overruled=overruled,
        )
        console.print(stage.table(rows))
    stage.finish(rows, csv)


def _overruled(
    *, law: str | None, fading: str | None, k_factor_db: float | None, csi: str | None, constraint: str
) -> dict[str, str | float]:
    """What the command line says in place of the channel itself, by attribute of its claim."""
    if k_factor_db is not None and fading != "rician":
        raise SemcomError(f"--k-factor-db {k_factor_db:g} is of `--fading rician`; add it")
    rician = 10 ** ((K_FACTOR_DB if k_factor_db is None else k_factor_db) / 10)
    k_factor = {"none": math.inf, "rayleigh": 0.0, "rician": rician}
    given = {"law": law, "k_factor": None if fading is None else k_factor[fading], "csi": csi}
    return {name: value for name, value in given.items() if value is not None} | {"constraint": constraint}


def _pair(text: str) -> tuple[str, str]:
    """Name and value of an option of a class."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise SemcomError(f"--option {text}: write NAME=VALUE, such as share=0.1")
    return name, value
