"""The second system's page on claims: verdicts, and what they were read off."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from semcom.params.crlsc.claims import MEAN, RATIOS
from semcom.report.claims import overall
from semcom.report.crlsc_claimed import NONE
from semcom.report.crlsc_words import listed


def claims(made: pd.DataFrame) -> Iterator[str]:
    """One line a claim.

    Args:
        made: of `crlsc_claims.claims`.
    """
    if made.empty:
        return
    yield (
        "*Supported*: the effect is at least the margin, and its 95 % interval lies beyond no effect, the "
        "p-value after Holm; of a claim not to be worse, the interval lies within the margin. "
        "*Contradicted*: the whole interval falls short of the margin. A claim at several targets, "
        "encoders or Es/N0 must hold at each, and Holm counts these together; intervals are not widened. "
        "They are over seeds and test images, by groups such as scenes; of images and of classification over "
        "links over seeds alone. "
        "Bytes are counted. [CSV](crlsc_claims.csv)\n"
    )
    body = []
    for name, rows in made.groupby("claim", sort=False):
        first = rows.iloc[0]
        unlike = rows["verdict"].nunique() > 1
        effects = "; ".join(_effect(row) + f" *{row['verdict']}*" * unlike for _, row in rows.iterrows())
        head = f" of {first['head']} heads" if first["measure"] == "consensus" else ""
        runs = f"{first['of']} against {first['against']}, {first['measure']}{head}"
        body.append([f"{first['says']} (`{name}`)", runs, _margin(first), f"**{overall(rows)}**", effects])
    yield from listed(["claim", "runs", "claimed", "verdict", "effect"], body)


def _margin(row: "pd.Series[object]") -> str:
    """`above by 1 point`, `not 1 point below`, `ratio up to 0.5`."""
    margin = float(str(row["margin"]))
    if row["measure"] in RATIOS:
        return f"ratio up to {margin:g}"
    points = f"{margin:g} dB" if row["measure"] == "psnr" else f"{100 * margin:g} points"
    return f"not {points} below" if row["direction"] == "no_less" else f"{row['direction']} by {points}"


def _effect(row: "pd.Series[object]") -> str:
    """`vehicles, resnet: +3.1 points (0.2 to 6.0; p 0.03)`, or a ratio, or why there is none."""
    value, low, high, p = (float(str(row[name])) for name in ("effect", "low", "high", "p"))
    names = [str(row[name]) for name in ("target", "encoder") if row[name] not in (NONE, MEAN)]
    at, note = ", ".join(names) + ": " * bool(names), str(row["note"])
    if np.isnan(value):
        return at + note
    ratio = row["measure"] in RATIOS
    in_db = row["measure"] == "psnr"
    said = f"ratio {value:.3g}" if ratio else f"{value:+.2f} dB" if in_db else f"{100 * value:+.1f} points"
    ends = [f"{end:.3g}" if ratio else f"{end:.2f}" if in_db else f"{100 * end:.1f}" for end in (low, high)]
    beside = [" to ".join(ends)] if not np.isnan([low, high]).any() else []
    beside += [f"at least {ends[0]}"] if np.isnan(high) and not np.isnan(low) else []
    beside += [f"up to {ends[1]}"] if np.isnan(low) and not np.isnan(high) else []
    beside += [] if np.isnan(p) else [f"p {p:.2g}"]
    beside += [note] if note else []
    return f"{at}{said}" + f" ({'; '.join(beside)})" * bool(beside)
