"""Effects that claims on the second system speak of, at each of their places."""

import numpy as np
import pandas as pd

from semcom.metrics.cost import median_ratio, spans
from semcom.metrics.exchange import Alignment, raw_embeddings_bytes
from semcom.metrics.intervals import over_seeds
from semcom.metrics.outcomes import across, asked
from semcom.params.crlsc.claims import EACH, MEAN, OWN, RIDGE, Claim
from semcom.params.crlsc.classify import share
from semcom.params.crlsc.section import MENTOR, RAW
from semcom.params.faults import unknown
from semcom.report import crlsc_classify
from semcom.report.claims import Effect, bounds_noted
from semcom.report.crlsc_bytes import feature_width
from semcom.report.crlsc_claimed import NONE, Effects, NotRun, Study, encoders, targets, there
from semcom.report.crlsc_left_out import over_seeds_and_blocks
from semcom.report.crlsc_outcomes import Question


def accuracy(study: Study, claim: Claim) -> Effects:
    """Of linear heads on backbone features."""
    fractions = study.entry.label_fractions
    if claim.label_fraction not in fractions:
        raise NotRun(f"the study has no share {claim.label_fraction:g} of the labels")
    question, found = asked("features", "linear", float(claim.label_fraction)), Effects()
    for place, names in encoders(study, claim, claim.of, claim.against).items():
        for target in targets(study, claim):
            pairs = [
                (
                    Question(f"probe/{claim.of}/{name}", target, question),
                    Question(f"probe/{claim.against}/{name}", target, question),
                )
                for name in names
            ]
            found[target, place] = study.kept.effect(pairs)
    return found


def retrieval(study: Study, claim: Claim) -> Effects:
    """k-NN accuracy of the mentor's vectors, as they are or as bases code them."""
    for base in (claim.of, claim.against):
        there(base, (RAW, *study.entry.bases), "bases")
    question = asked("features", "private", 1.0)
    own, other = (f"probe/{MENTOR}/{base}" for base in (claim.of, claim.against))
    return {
        (target, NONE): study.kept.effect(
            [(Question(own, target, question), Question(other, target, question))]
        )
        for target in targets(study, claim)
    }


def consensus(study: Study, claim: Claim) -> Effects:
    """Of heads across encoders: in the base's space, or through maps of features."""
    of, against = claim.of, f"{claim.of}/{OWN}" if claim.against == OWN else claim.against
    methods = list(dict.fromkeys(place.partition("/")[0] for place in (of, against)))
    for method in methods:
        there(method, study.entry.consensus, "methods whose encoders are compared")
    names = encoders(study, claim.model_copy(update={"encoder": MEAN}), *methods)[MEAN]
    pairs = [(owner, guest) for owner in names for guest in names if owner != guest]
    if claim.encoder == EACH:
        places = {f"{owner} on {guest}": [(owner, guest)] for owner, guest in pairs}
    else:
        places = {claim.encoder: [p for p in pairs if claim.encoder in (MEAN, p[1])]}
    if not all(places.values()):
        raise NotRun(unknown(claim.encoder, names, "encoders of both"))
    target = next(iter(study.kept.of(f"consensus/{methods[0]}", study.entry.seeds[0])))
    return {
        (target, place): study.kept.effect(
            [
                (_across(study, of, pair, claim.head), _across(study, against, pair, claim.head, beside=of))
                for pair in some
            ]
        )
        for place, some in places.items()
    }


def _across(study: Study, place: str, pair: tuple[str, str], head: str, beside: str = "") -> Question:
    """The question of METHOD, METHOD/N or METHOD/own, of one owner and guest."""
    method, _, images = place.partition("/")
    owner, guest = pair
    if images == OWN:  # in the space of what it stands beside
        question = across("features" if "/" in beside else "space", 0, guest, guest, head)
    else:
        question = across("features" if images else "space", int(images or 0), owner, guest, head)
    job = f"consensus/{method}"
    (kept,) = study.kept.of(job, study.entry.seeds[0]).values()
    if question not in kept.right:
        how = f"through a map on {images} shared images" if images else "without a map, in one space"
        raise NotRun(f"the study has no {head} heads across encoders of {method} {how}")
    return Question(job, None, question)


def labels(study: Study, claim: Claim) -> Effects:
    """Ratio of L(A*)."""
    return _ratios(study, claim, "labels", [study.labels, *study.labels_without])


def computing(study: Study, claim: Claim) -> Effects:
    """Ratio of multiply-adds of local training to A*."""
    return _ratios(study, claim, "multiply_adds", [study.computing, *study.computing_without])


def _ratios(study: Study, claim: Claim, needed: str, tables: list[pd.DataFrame]) -> Effects:
    """Of the geometric means over encoders; `tables` are the report's, and those without some test images."""
    table, found = tables[0], Effects()
    known = set(zip(table["target"], table["encoder"], table["method"], strict=True))
    for place, names in encoders(study, claim, claim.of, claim.against).items():
        for target in targets(study, claim):
            if any((target, name, m) not in known for name in names for m in (claim.of, claim.against)):
                what = f"{claim.of} and {claim.against} on {target}"
                raise NotRun(f"the report has no {needed.replace('_', '-')} to A* of {what}")
            here = [t[(t["target"] == target) & t["encoder"].isin(names)] for t in tables]
            own, other = ([t[t["method"] == m] for t in here] for m in (claim.of, claim.against))
            measured = all((rows["bound"] == "").all() for rows in (own[0], other[0]))
            found[target, place] = (
                _ratio([_log(a, needed) - _log(b, needed) for a, b in zip(own, other, strict=True)])
                if measured
                else _bounded(own[0], other[0], needed)
            )
    return found


def _log(rows: pd.DataFrame, needed: str) -> "pd.Series[float]":
    """Mean over encoders of the logarithm, of each seed."""
    with np.errstate(divide="ignore"):  # a lower end of 0
        logs: pd.Series[float] = np.log(rows.set_index("seed")[needed]).groupby(level=0).mean()
    return logs


def _ratio(logs: "list[pd.Series[float]]") -> Effect:
    """Of logarithms of the ratio of each seed; then without each block of test images."""
    both = over_seeds_and_blocks(logs[0].to_numpy(), np.stack([log.to_numpy() for log in logs[1:]]))
    alone = over_seeds(logs[0].to_numpy())
    log, half = float(both.mean), float(np.fmax(both.half_width(), alone.half_width()))
    p = float(max(both.p_value(), alone.p_value()))
    value, low, high = (float(np.exp(x)) for x in (log, log - half, log + half))
    return Effect(value, low, high, p, "no spread" if np.isnan(half) else "")


def _bounded(own: pd.DataFrame, other: pd.DataFrame, needed: str) -> Effect:
    """Where seeds have bounds: the median over seeds, for these test images."""
    (low_own, high_own), (low_other, high_other) = (
        [_log(rows.assign(**{needed: end}), needed) for end in spans(rows[needed].to_numpy(), rows["bound"])]
        for rows in (own, other)
    )
    ratio = median_ratio(np.exp(low_own - high_other), np.exp(high_own - low_other))
    return Effect(*ratio[:4], note="; ".join(bounds_noted(ratio, len(low_own))))


def images(study: Study, claim: Claim) -> Effects:
    """Of images over a link, at each Es/N0, paired by seed."""
    metric = {"psnr": "psnr_db", "image_accuracy": "accuracy"}[claim.measure]
    rows, found = study.images[study.images["metric"] == metric], Effects()
    there(str(claim.link), rows["link"].unique(), f"links of images with {claim.measure}")
    rows = rows[rows["link"] == claim.link]
    for method in (claim.of, claim.against):
        there(method, rows["method"].unique(), f"methods that send images over {claim.link}")
    values = rows.pivot_table(index=["snr_db", "seed"], columns="method", values="value")
    for snr_db in claim.snr_db:
        if snr_db not in values.index:
            raise NotRun(f"no images were sent at {snr_db} dB")
        found[f"{claim.link} at {snr_db} dB", NONE] = _paired(values.loc[snr_db], claim)
    return found


def classified(study: Study, claim: Claim) -> Effects:
    """Of receivers on their own encoders over a way, at each target and Es/N0, paired by seed."""
    own = study.classified[study.classified["receivers"] == crlsc_classify.OWN]
    rows, found = own[own["metric"] == crlsc_classify.ACCURACY], Effects()
    wanted = share(float(claim.label_fraction))
    there(wanted, rows["labels"].unique(), "shares of labels over links")
    for target in claim.targets or tuple(rows["target"].unique()):
        there(target, rows["target"].unique(), "targets over links")
        at = rows[(rows["labels"] == wanted) & (rows["link"] == claim.link) & (rows["target"] == target)]
        for method in (claim.of, claim.against):
            there(method, at["method"].unique(), f"methods over {claim.link}")
        values = at.pivot_table(index=["snr_db", "owner", "seed"], columns="method", values="value")
        both = values[[claim.of, claim.against]].dropna()
        names = both.index.unique("owner")
        if not len(names):
            raise NotRun(f"{claim.of} and {claim.against} have no encoder in common over links")
        if claim.encoder not in (MEAN, EACH):
            there(claim.encoder, names, "encoders of both over links")
        for place in names if claim.encoder == EACH else [claim.encoder]:
            chosen = both if place == MEAN else both.xs(place, level="owner", drop_level=False)
            for snr_db in claim.snr_db:
                if snr_db not in chosen.index:
                    raise NotRun(f"no vectors were sent at {snr_db} dB")
                by_seed = chosen.loc[snr_db].groupby("seed").mean()
                found[f"{target}, {claim.link} at {snr_db} dB", place] = _paired(by_seed, claim)
    return found


def _paired(values: pd.DataFrame, claim: Claim) -> Effect:
    """A column a method, a row a seed."""
    apart = over_seeds((values[claim.of] - values[claim.against]).to_numpy())
    mean, half = float(apart.mean), float(apart.half_width())
    note = "no spread" if np.isnan(half) else ""
    return Effect(mean, mean - half, mean + half, float(apart.p_value()), note)


def bytes_(study: Study, claim: Claim) -> Effects:
    """Largest ratio of what is downloaded, and its range over seeds: sizes are counted, not sampled."""
    sizes = study.results.sizes.set_index(["base", "seed"])
    base = next((name for name in (claim.of, claim.against) if name in study.entry.bases), None)
    if base is None:
        there(claim.of, study.entry.bases, "bases")
    ratios = []
    for seed in study.entry.seeds:
        beside = sizes.loc[(base, seed)]
        own, other = (_size(study, place, seed, beside) for place in (claim.of, claim.against))
        ratios.append(own / other)
    return {(NONE, NONE): Effect(max(ratios), min(ratios), max(ratios), note="range over seeds")}


def _size(study: Study, place: str, seed: int, beside: "pd.Series[float]") -> float:
    """Bytes of a base as shipped, of as many raw vectors as the base beside it holds, or of a ridge map's."""
    name, _, images = place.partition("/")
    if name == RAW:
        return raw_embeddings_bytes(int(beside["vectors"]), int(beside["dim"]))
    if name == RIDGE and images:
        width = feature_width(study.results)
        if width is None:
            raise NotRun("no encoders were joined by maps, so nothing says how wide their features are")
        return Alignment(int(images), width).pair_bytes
    there(name, study.entry.bases, "bases")
    sizes = study.results.sizes
    return float(sizes.loc[(sizes["base"] == name) & (sizes["seed"] == seed), "bytes"].item())
