"""Whether a study bears out the claims that it names.

A claim is *supported* if the effect is at least the margin and its interval lies beyond no effect at all;
*contradicted* if the whole interval falls short of the margin; else *undecided*. One that is claimed at
several budgets must hold at each of them. P-values are adjusted by Holm over the budgets of a claim, and over
all claims of its family where it names one. One that the study did not run cannot pass.

    claim ─► is it in the study? ─► difference over seeds and scenes, or ratio of C(A*) over seeds
          ─► p-values of its family together ─► verdict
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from semcom.files.errors import SemcomError
from semcom.metrics.comparisons import holm
from semcom.metrics.cost import FEWEST, Ratio, cost_ratio
from semcom.params.claimed import places
from semcom.params.reportentry import Claim, ReportEntry
from semcom.report.compare import compare
from semcom.report.compare_table import ERROR

COLUMNS = ["claim", "says", "of", "against", "labels", "budget_epochs", "measure", "direction", "margin"]
COLUMNS += ["effect", "low", "high", "p", "verdict", "note"]


Place = TypeVar("Place")


class Effect(NamedTuple):
    """A measured difference, or ratio of costs, with its 95 % interval and p-value."""

    value: float
    low: float
    high: float
    p: float = float("nan")
    note: str = ""


def claims(results: Path, entry: ReportEntry, cost: pd.DataFrame) -> pd.DataFrame:
    """One row a claim and budget.

    Args:
        results: the study's folder, `results/STUDY`.
        entry: what the report covers, claims among it.
        cost: of `semcom.report.tables.cost`.
    """
    rows: list[list[object]] = []
    measured = {name: _measure(results, entry, claim, cost) for name, claim in entry.claims.items()}
    found = _by_family(entry.claims, {name: effects for name, (effects, _) in measured.items()})
    for name, claim in entry.claims.items():
        about = [name, claim.says, *places(claim), claim.labels]
        wanted = [claim.measure, claim.direction, claim.margin]
        effects, lacking = found[name], measured[name][1]
        if lacking:
            none = [np.nan] * 4
            rows.append([*about, pd.NA, *wanted, *none, "not run", lacking])
            continue
        ratio = claim.measure == "cost"
        verdicts = {
            budget: verdict(effect, direction=claim.direction, margin=claim.margin, ratio=ratio)
            for budget, effect in effects.items()
        }
        for budget, effect in effects.items():
            at = pd.NA if budget is None else budget
            rows.append([*about, at, *wanted, *effect[:4], verdicts[budget], effect.note])
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["budget_epochs"] = table["budget_epochs"].astype("Int64")
    return table


def _by_family(
    entries: Mapping[str, Claim], effects: Mapping[str, Mapping[int | None, Effect]]
) -> dict[str, dict[int | None, Effect]]:
    """Effects by claim and budget, with the p-values of each family adjusted together."""
    families: dict[tuple[bool, str], list[str]] = {}
    for name, claim in entries.items():
        families.setdefault((claim.family is None, claim.family or name), []).append(name)
    found: dict[str, dict[int | None, Effect]] = {name: {} for name in entries}
    for names in families.values():
        together = {(name, budget): effect for name in names for budget, effect in effects[name].items()}
        for (name, budget), effect in adjusted(together).items():
            found[name][budget] = effect
    return found


def adjusted(effects: Mapping[Place, Effect]) -> dict[Place, Effect]:
    """The same with Holm's p-values over all of them; one without a p-value counts as one of 1."""
    p = np.array([effect.p for effect in effects.values()])
    together = np.where(np.isnan(p), np.nan, holm(np.nan_to_num(p, nan=1.0)))
    return {
        place: effect._replace(p=float(value))
        for (place, effect), value in zip(effects.items(), together, strict=True)
    }


def overall(rows: pd.DataFrame) -> str:
    """The verdict of one claim from those of its budgets."""
    for verdict in ("not run", "contradicted", "undecided"):
        if (rows["verdict"] == verdict).any():
            return verdict
    return "supported"


def _measure(
    results: Path, entry: ReportEntry, claim: Claim, cost: pd.DataFrame
) -> tuple[dict[int | None, Effect], str]:
    """The effect at each budget (None: not of a budget), and what the study lacks."""
    for place in places(claim):
        method, link = place.split("/", 1)
        digital = entry.digital.get(link)
        there = link in entry.links or (digital is not None and method in (digital.methods or ()))
        if method not in entry.methods or not there or claim.labels not in entry.labels:
            return {}, f"the study has no {place} with labels {claim.labels}"
        if claim.measure not in ("cost", entry.measure(link).metric):
            return {}, f"{link} is judged by {entry.measure(link).metric}, not by {claim.measure}"
    if len(entry.seeds) < 2:
        return {}, "one seed gives no interval"
    if claim.measure == "cost":
        return _cost(claim, cost)
    wanted = claim.budgets or ()
    if absent := [budget for budget in wanted if budget and budget not in entry.budgets]:
        return {}, f"the study has no budget of {', '.join(map(str, absent))} epochs"
    of, against = (f"{place}/{claim.labels}" for place in places(claim))
    trained = {_trained_db(entry, place) for place in places(claim)}
    try:
        made = compare(
            results.parent, entry.study, of, against, budgets=wanted, seeds=entry.seeds,
            snr_db=() if claim.snr_db is None else (claim.snr_db,), trained_db=tuple(trained),
        )  # fmt: skip
    except SemcomError as error:
        return {}, str(error)
    if made.family["snr_db"].nunique() > 1:
        return {}, "its runs were trained at different Es/N0; give the claim one to be tested at: snr_db"
    return {int(row.budget_epochs): _difference(row) for row in made.family.itertuples()}, ""


def _trained_db(entry: ReportEntry, place: str) -> float:
    """Es/N0 at which a run was trained, a digital one's analog link."""
    link = place.split("/", 1)[1]
    digital = entry.digital.get(link)
    return entry.links[digital.link if digital else link].nominal_snr_db


def _difference(row: object) -> Effect:
    """Over seeds and scenes, or over seeds alone where that interval is wider; NaN where nothing varies."""
    get = row.__getattribute__
    half = float(np.fmax(get("half_width"), get("seeds_half_width")))
    value = float(get("difference"))
    note = "no interval: nothing varies over seeds and scenes" if np.isnan(half) else ""
    p = float(np.fmax(get("p"), get("seeds_p")))
    return Effect(value, value - half, value + half, p, note)


def _cost(claim: Claim, cost: pd.DataFrame) -> tuple[dict[int | None, Effect], str]:
    """Ratio of C(A*): geometric mean over seeds; where seeds have bounds, the median of theirs."""
    here = cost[cost["labels"] == claim.labels]
    runs = []
    for place in places(claim):
        method, link = place.split("/", 1)
        runs.append(here[(here["method"] == method) & (here["link"] == link)].set_index("seed"))
    own, other = runs
    if own.empty or other.empty:
        return {}, "the report has no C(A*) of both (one budget, a digital link, or no rival)"
    other = other.loc[own.index]
    notes = [] if own["settled"].all() else ["the rival was still gaining at its longest budget"]
    bounds = (list(own["bound"]), list(other["bound"]))
    ratio = cost_ratio(own["uses"].to_numpy(), other["uses"].to_numpy(), bounds=bounds)
    note = "; ".join([*bounds_noted(ratio, len(own)), *notes])
    return {None: Effect(ratio.value, ratio.low, ratio.high, note=note)}, ""


def bounds_noted(ratio: Ratio, seeds: int) -> list[str]:
    """What is noted of a ratio with bounds among its seeds."""
    if ratio.kind == "mean":
        return []
    what = "median" if ratio.kind == "median" else f"the median is {ratio.kind} this"
    few = f", {seeds} are too few for an interval" if seeds < FEWEST else ""
    return [f"{'no median' if np.isnan(ratio.value) else what}: seeds with bounds{few}"]


def verdict(effect: Effect, *, direction: str, margin: float, ratio: bool) -> str:
    """Supported, contradicted or undecided; NaN in the interval decides nothing.

    Args:
        effect: what was measured.
        direction: `above`, `below` or `no_less`.
        margin: of a difference in its unit; the ratio that is claimed.
        ratio: whether the effect is one, claimed to be below.
    """
    value, low, high = effect.value, effect.low, effect.high
    sure = np.isnan(effect.p) or effect.p < ERROR
    if ratio:
        if value <= margin and high < 1 and sure:
            return "supported"
        return "contradicted" if low > margin else "undecided"
    if direction == "no_less":
        if low > -margin:
            return "supported"
        return "contradicted" if high < -margin else "undecided"
    if direction == "below":
        value, low, high = -value, -high, -low
    if value >= margin and low > 0 and sure:
        return "supported"
    return "contradicted" if high < margin else "undecided"
