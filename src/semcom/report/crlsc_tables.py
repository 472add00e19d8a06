"""The second system's tables: means over seeds with 95 % Student-t intervals, differences paired by seed."""

import pandas as pd

from semcom.metrics.intervals import paired_interval
from semcom.params.crlsc.entries import CrlscReportEntry, MethodSaid
from semcom.params.crlsc.section import MENTOR, RAW
from semcom.report.crlsc_results import OF, PAIR, PROBE_KEY, SPENT, CrlscResults
from semcom.report.tables import over_seeds

NONE, EVERY = "none", "mean"
"""Of rows of no target, method or encoder; of the mean over the encoders that both methods have."""
SUMMARY = ["mean", "half_width", "seeds"]
SIZES = ("bytes", "bytes_codes", "vectors", "dim", "cosine")
BASES = ["base", "form", "of", "target", "method", "encoder", "metric"]
LOST = ["difference", "difference_half_width"]
DIFFERENCES = ["target", "method", "against", "encoder", "fraction"]


def linear(probe: pd.DataFrame) -> pd.DataFrame:
    """Accuracies of the linear head on backbone features."""
    accuracy = probe[(probe["head"] == "linear") & (probe["metric"] == "accuracy")]
    return accuracy[accuracy["space"] == "features"]


def at_all_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Those at the largest share of the labels."""
    return rows[rows["fraction"] == rows["fraction"].max()]


KINDS = ("guided", "distilled", "simclr", "supervised", "random")


def kind(said: MethodSaid) -> str:
    """What a method is: `guided` by a base, `distilled` from the mentor itself, or a rival without either."""
    if said.guide:
        return "guided" if said.base else "distilled"
    return "supervised" if said.labels else "simclr" if said.simclr else "random"


def by_kind(entry: CrlscReportEntry) -> CrlscReportEntry:
    """The same with its methods in the order of `KINDS`, and as in the params file within a kind."""
    every = sorted(entry.methods.items(), key=lambda item: KINDS.index(kind(item[1])))
    return entry.model_copy(update={"methods": dict(every)})


def accuracy(results: CrlscResults) -> pd.DataFrame:
    """Everything that probes measured."""
    by = [*OF, "encoder", *PROBE_KEY]
    labels = results.probe.groupby(by, sort=False, as_index=False)["labels"].mean()
    return over_seeds(results.probe, by).merge(labels, on=by, how="left", validate="one_to_one")


def differences(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Guided methods minus their rivals, linear head, paired by seed: for each encoder and for their mean."""
    rows = linear(results.probe)
    found = []
    for method, said in entry.methods.items() if len(rows) else ():
        for against, other in entry.methods.items():
            both = [name for name in said.encoders if name in other.encoders]
            if kind(said) == "guided" and kind(other) != "guided" and both:
                found += _pair(rows, method, against, both)
    return pd.DataFrame(found, columns=[*DIFFERENCES, "difference", "half_width", "seeds"])


def _pair(rows: pd.DataFrame, method: str, against: str, encoders: list[str]) -> list[dict[str, object]]:
    """Two methods on every target and at every share of the labels."""
    values = rows[rows["encoder"].isin(encoders)].pivot_table(
        index=["target", "fraction", "seed"], columns=["method", "encoder"], values="value", sort=False
    )
    apart = values[method][encoders] - values[against][encoders]
    apart = apart.assign(**{EVERY: apart.mean(axis=1)}) if len(encoders) > 1 else apart
    found = []
    for (target, fraction), here in apart.groupby(["target", "fraction"], sort=False):
        for encoder in here.columns:
            mean, half = paired_interval(here[encoder].to_numpy(), 0 * here[encoder].to_numpy())
            place = (target, method, against, encoder, fraction)
            row = dict(zip(DIFFERENCES, place, strict=True))
            found.append({**row, "difference": mean, "half_width": half, "seeds": len(here)})
    return found


def bases(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes of each base, what retrieval of vectors so coded gives, and training under it.

    `of` is `size`, `retrieval` (the mentor's vectors in such codes, or `raw`) or `training` (linear head on
    encoders that learnt under it). `difference` of retrieval is to vectors as they are, paired by seed.
    """
    sizes = results.sizes
    long = sizes.melt(["base", "seed"], [*SIZES], "metric", "value")
    per = sizes.assign(value=sizes["bytes_codes"] / sizes["vectors"], metric="bytes_per_vector")
    made = [pd.concat([long, per[["base", "seed", "metric", "value"]]], ignore_index=True)]
    made[0] = made[0].assign(of="size", target=NONE, method=NONE, encoder=NONE)
    forms = {base: _form(form, sizes[sizes["base"] == base]) for base, form in entry.bases.items()}
    near = results.probe[(results.probe["method"] == MENTOR) & (results.probe["head"] == "private")]
    near = near[near["metric"].isin(("accuracy", "precision")) & near["encoder"].isin([RAW, *entry.bases])]
    made.append(near.assign(base=near["encoder"], of="retrieval"))
    under = {name: said.base or RAW for name, said in entry.methods.items() if said.guide}
    heads = at_all_labels(linear(results.probe))
    heads = heads[heads["method"].isin(under)]
    made.append(heads.assign(base=heads["method"].map(under), of="training"))
    if not any(map(len, made)):
        return pd.DataFrame(columns=[*BASES, *SUMMARY, *LOST])
    rows = pd.concat([part for part in made if len(part)], ignore_index=True)
    rows = rows.assign(form=rows["base"].map({**forms, RAW: "fp16"}))
    return _against_raw(over_seeds(rows, BASES), rows)


def _form(asked: str, sizes: pd.DataFrame) -> str:
    """As asked for, and as trained where there were too few vectors for that."""
    trained = sorted(set(sizes["trained"]) - {asked})
    return f"{asked}, trained as {' or '.join(trained)}" if trained else asked


def _against_raw(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The table, and what retrieval from codes loses."""
    near = rows[rows["of"] == "retrieval"]
    by = ["target", "metric", "seed"]
    both = near.merge(near.loc[near["base"] == RAW, [*by, "value"]], on=by, suffixes=("", "_raw"))
    lost = over_seeds(both.assign(value=both["value"] - both["value_raw"]), BASES)
    lost = lost.rename(columns=dict(zip(SUMMARY, LOST, strict=False)))
    return table.merge(lost.drop(columns="seeds"), on=BASES, how="left", validate="one_to_one")


def training(results: CrlscResults) -> pd.DataFrame:
    """What each training took, and the metrics of its last epoch."""
    names = ["method", "encoder", "seed"]
    spent = results.cost.melt(names, list(SPENT), "metric", "value")
    logged = results.history[~results.history["metric"].isin(SPENT)]
    rows = pd.concat([spent, logged[[*names, "metric", "value"]]], ignore_index=True)
    return over_seeds(rows, ["method", "encoder", "metric"])


def consensus(results: CrlscResults) -> pd.DataFrame:
    """The matrix of every method that has one, and the difference to what the guest gets from its own."""
    rows, by = results.consensus, ["method", *PAIR, "exchanged_bytes"]
    columns = [*by, *SUMMARY, "own_mean", "difference", "difference_half_width"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    own = over_seeds(rows, by, "own_value")["mean"]
    apart = over_seeds(rows.assign(value=rows["value"] - rows["own_value"]), by)
    return over_seeds(rows, by).assign(
        own_mean=own, difference=apart["mean"], difference_half_width=apart["half_width"]
    )
