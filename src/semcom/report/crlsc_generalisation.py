"""The generalisation table of the second system's report: what encoders are worth on targets with few labels.

accuracy of each seed at the Es/N0 that a link trained at ─┬► over seeds, with 95 % intervals
                                                           └► over encoders, then over seeds
"""

from collections.abc import Iterator

import pandas as pd

from semcom.params.crlsc.classify import DIRECT, Classify, share
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.trainsnr import nominal_snr_db
from semcom.report.crlsc_classify import (
    ACCURACY,
    OWN,
    WAY,
    meant,
    method_of,
    methods_of,
    of_common,
    sent_as,
    ways_of,
)
from semcom.report.crlsc_tables import EVERY, kind
from semcom.report.crlsc_words import cell, listed
from semcom.report.tables import over_seeds

BY = [*WAY, "encoder", "snr_db"]


def generalisation(drawn: pd.DataFrame, entry: CrlscReportEntry) -> pd.DataFrame:
    """A row a target, share of its labels, method, way and encoder, or mean of those that all methods have.

    Args:
        drawn: of `crlsc_classify.drawn`.
        entry: what the report covers.
    """
    classify = entry.classify
    if classify is None:
        return over_seeds(drawn.assign(encoder=[]), BY)
    at = drawn["link"].map({way: trained_at(classify, way) for way in classify.ways})
    rows = drawn[(drawn["snr_db"] == at) & (drawn["receivers"] == OWN) & (drawn["metric"] == ACCURACY)]
    rows = rows.assign(encoder=rows["owner"])
    every = (
        of_common(rows, entry)
        .assign(encoder=EVERY)
        .groupby([*BY, "seed"], sort=False, as_index=False)["value"]
        .mean()
    )
    return over_seeds(pd.concat([rows, every]), BY)


def trained_at(classify: Classify, way: str) -> int:
    """The Es/N0 in dB of the test that is nearest to the training's of a way's link; without one, any."""
    name = classify.link_of(way)
    if name is None:
        return classify.snr_db[0]
    wanted = nominal_snr_db(classify.links[name].train_snr_db)
    return min(classify.snr_db, key=lambda snr_db: abs(snr_db - wanted))


def section(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Of the page: a row a way and method, a column a target and share of its labels.

    Args:
        made: of `generalisation`.
        entry: what the report covers.
    """
    classify = entry.classify
    if classify is None or not (classify.tuned or len(classify.target) * len(classify.labels) > 1):
        return
    yield (
        "What encoders learnt elsewhere is worth on a target of which a share of the labels is known: test "
        f"accuracy in %, at the Es/N0 in dB that the link trained at, {meant(entry)}. All rows of a "
        "column have the same labelled images. *Supervised on the target* and *end-to-end JSCC* begin at "
        "random and train encoder, sender and head by these labels alone. "
        "[CSV](crlsc_generalisation.csv), each encoder; [whole curves](crlsc_classify.csv).\n"
    )
    places = [(target, share(part)) for target in classify.target for part in classify.labels]
    rows, body = made[made["encoder"] == EVERY], []
    for way in classify.ways:
        at = "" if way == DIRECT else str(trained_at(classify, way))
        for name in methods_of(entry):
            if way not in ways_of(entry, name):
                continue
            of = rows[(rows["link"] == way) & (rows["method"] == name)]
            cells = [cell(of[(of["target"] == target) & (of["labels"] == part)]) for target, part in places]
            body.append([way, sent_as(classify, way), at, name, learnt(entry, name, way), *cells])
    head = [f"{target}, {100 * float(part):g} %" for target, part in places]
    yield from listed(["way", "sent as", "dB", "method", "encoder", *head], body)


def learnt(entry: CrlscReportEntry, name: str, way: str) -> str:
    """What the encoders of a row come from, and whether they stand still."""
    said, tuned = method_of(entry, name), entry.classify.tuned.get(name) if entry.classify else None
    if tuned and not said.trains:
        how = "supervised on the target" if way == DIRECT else "end-to-end JSCC"
        return how if tuned.encoder_lr_scale == 1 else f"{how}, at {tuned.encoder_lr_scale:g} of the rate"
    came = {
        "guided": f"under {said.base} ({entry.bases.get(said.base or '')})",
        "distilled": "from the mentor, no base",
        "simclr": "SimCLR, no base",
        "supervised": f"supervised on {said.part}",
        "random": "random",
    }[kind(said)]
    return f"{came}, {f'trains on at {tuned.encoder_lr_scale:g} of the rate' if tuned else 'frozen'}"
