"""The comparison itself: differences over budgets and SNRs, two kinds of interval, Holm, power."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semcom.metrics.comparisons import holm
from semcom.metrics.intervals import over_seeds
from semcom.metrics.power import least_decidable, seeds_to_decide
from semcom.metrics.scenes import bootstrap_scenes, crossed
from semcom.params.trainsnr import nominal_snr_db
from semcom.report.compare_choice import Run
from semcom.report.compare_read import Answers

ERROR = 0.05
"""Chance of any false finding in a family; intervals are of 95 %."""
CHANCE = 0.8
"""Power that a planned number of seeds is to have."""


@dataclass(frozen=True)
class Comparison:
    """A difference over budgets and SNRs, and what it was made of."""

    study: str
    metric: str
    """What A and B are judged by, as sweeps name it."""
    title: str
    """The same in words."""
    a: Run
    b: Run
    seeds: tuple[int, ...]
    frames: int
    scenes: int
    table: pd.DataFrame
    """One row a budget and SNR, values of the metric and their differences in 0..1 (see `rows`)."""
    origin: str
    """Which files and which commit it was made of."""
    at: str
    """How the family's Es/N0 were chosen."""

    @property
    def names(self) -> tuple[str, str]:
        """Short names of A and B: only what differs between them."""
        differing = [(x, y) for x, y in zip(self.a, self.b, strict=True) if x != y]
        return "/".join(x for x, _ in differing), "/".join(y for _, y in differing)

    @property
    def family(self) -> pd.DataFrame:
        """The rows that Holm's adjustment covers."""
        return self.table[self.table["in_family"]]


def rows(a: Answers, b: Answers, budgets: Sequence[int], family: Collection[int]) -> pd.DataFrame:
    """One row a budget and Es/N0.

    `difference` is value_a - value_b, of the metric that A and B are judged by. `half_width` and `p` are over
    seeds and scenes (crossed, with `df`), `seeds_half_width` and `seeds_p` over seeds on these scenes (paired
    t), `scenes_low` and `scenes_high` over scenes for these very models (bootstrap). In the family, `p_holm`
    adjusts the larger of both p-values: a difference is claimed for other scenes only where both say so;
    `seeds_p_holm` the other.

    Args:
        a: answers of A.
        b: answers of B, to the same frames with the same seeds.
        budgets: which, in epochs.
        family: Es/N0 in dB of the rows that one adjustment covers.
    """
    swept = sorted(set(a.snr_db) & set(b.snr_db))
    own, other = (_part(answers, budgets, swept) for answers in (a, b))
    gap = own - other
    table, by_seed = crossed(gap, a.scene), over_seeds(gap.mean(-1))
    both = table.estimate()
    low, high = bootstrap_scenes(gap.mean(-2), a.scene, generator=np.random.default_rng(0))
    member = np.broadcast_to(np.isin(swept, list(family)), both.mean.shape)
    level = 1 - ERROR / max(member.sum(), 1)
    columns = {
        "budget_epochs": np.repeat(budgets, len(swept)),
        "snr_db": np.tile(swept, len(budgets)),
        "value_a": own.mean((-2, -1)),
        "value_b": other.mean((-2, -1)),
        "difference": both.mean,
        "seeds_half_width": by_seed.half_width(),
        "seeds_p": by_seed.p_value(),
        "half_width": both.half_width(),
        "df": both.df,
        "p": both.p_value(),
        "scenes_low": low,
        "scenes_high": high,
        "seed_sd": np.sqrt(table.seed_variance),
        "scene_error": np.sqrt(table.scene_variance),
        "seeds_to_decide_here": seeds_to_decide(table, beyond_scenes=False, level=level, chance=CHANCE),
        "seeds_to_decide": seeds_to_decide(table, level=level, chance=CHANCE),
        "least_decidable": least_decidable(table, level=level, chance=CHANCE),
        "in_family": member,
    }
    made = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})
    # A claim beyond these scenes needs both intervals, and so the seeds that both need.
    made["seeds_to_decide"] = made[["seeds_to_decide", "seeds_to_decide_here"]].max(axis=1)
    made["p_holm"] = _adjusted(made[["p", "seeds_p"]].max(axis=1), made["in_family"])
    made["seeds_p_holm"] = _adjusted(made["seeds_p"], made["in_family"])
    return made


def _adjusted(p: "pd.Series[float]", member: "pd.Series[bool]") -> "pd.Series[float]":
    """Holm's p-values of the members; NaN elsewhere."""
    return pd.Series(holm(p[member].to_numpy()), p.index[member]).reindex(p.index)


def _part(answers: Answers, budgets: Sequence[int], swept: Sequence[int]) -> Any:
    """Credit of each frame (budgets, SNRs, seeds, N) at some budgets and SNRs."""
    rows = [answers.budgets.index(budget) for budget in budgets]
    columns = [answers.snr_db.index(snr) for snr in swept]
    return answers.credit[np.ix_(rows, columns)].astype(np.float64)


def trained_at(folder: Path, links: Iterable[str], swept: Sequence[int]) -> tuple[int, ...]:
    """The swept Es/N0 nearest to those at which links were trained, as a report of the study says.

    Training over a range counts as at its middle, a digital link as its analog
    one.

    Args:
        folder: `results/STUDY`.
        links: names of links.
        swept: Es/N0 in dB.

    Returns:
        One or more of `swept`; nothing where no report names the links.
    """
    found: dict[str, float] = {}
    for path in sorted(folder.glob("report/*/provenance.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))["entry"]
            beside = {name: digital["link"] for name, digital in entry.get("digital", {}).items()}
            found |= {
                link: nominal_snr_db(entry["links"][analog]["train_snr_db"])
                for link in links
                if (analog := beside.get(link, link)) in entry["links"]
            }
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            continue  # a report's record is no result: without it the caller asks or takes all
    return nearest(found.values(), swept) if set(found) == set(links) else ()


def nearest(wanted: Iterable[float], swept: Sequence[int]) -> tuple[int, ...]:
    """The swept Es/N0 nearest to some in dB, in order; of two equally near the lower."""
    return tuple(sorted({min(swept, key=lambda snr: (abs(snr - at), snr)) for at in wanted}))
