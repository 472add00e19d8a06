"""Classification over links in the second system's report: the table, the figures, the section of the page.

results/STUDY/crlsc/classify/test/…/seedS.csv ─► means over draws ─┬► over seeds, with 95 % intervals
                                                                   └► over encoders, then over seeds

Curves and matrices on the page are of the first target at the largest share of its labels.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from semcom.params.crlsc.classify import DIRECT, Classify, share
from semcom.params.crlsc.entries import CrlscReportEntry, MethodSaid
from semcom.params.crlsc.images import low_middle_high
from semcom.report.checked import check_there, damaged, table
from semcom.report.crlsc_words import cell, listed, points
from semcom.report.tables import over_seeds

PLACE = ("study", "system", "method", "link", "target", "labels", "seed")
KEY = ("owner", "guest", "sender", "snr_db", "draw", "metric")
WAY = ["target", "labels", "method", "link", "sent_as", "channel_uses"]
PAIR = [*WAY, "owner", "guest", "sender", "snr_db", "metric"]
GROUP = [*WAY, "receivers", "sender", "snr_db", "metric"]
ACCURACY = "accuracy"
OWN, OTHERS = "own", "others"
"""Whose receivers are used with an encoder."""


def methods_of(entry: CrlscReportEntry) -> dict[str, tuple[str, ...]]:
    """What is classified and its encoders: methods in the report's order, then encoders that train on."""
    tuned = entry.classify.tuned if entry.classify else {}
    every = [*entry.methods, *tuned]
    return {name: entry.classified[name] for name in every if name in entry.classified}


def common(entry: CrlscReportEntry) -> tuple[str, ...]:
    """The encoders that all of these have: only over them are means of methods comparable; perhaps none."""
    every = list(methods_of(entry).values())
    return tuple(name for name in every[0] if all(name in some for some in every)) if every else ()


def of_common(rows: pd.DataFrame, entry: CrlscReportEntry) -> pd.DataFrame:
    """Rows of such encoders with their own receivers; of each method's own ones where there is none."""
    rows = rows[rows["receivers"] == OWN]
    return rows[rows["owner"].isin(common(entry))] if common(entry) else rows


def meant(entry: CrlscReportEntry) -> str:
    """Which encoders such a mean is over, in words."""
    if not common(entry):
        return "means over each method's own encoders, which differ"
    return f"means over {', '.join(common(entry))}" if len(common(entry)) > 1 else f"of {common(entry)[0]}"


def method_of(entry: CrlscReportEntry, name: str) -> MethodSaid:
    """The method that made the encoders of what is classified under a name."""
    tuned = entry.classify.tuned.get(name) if entry.classify else None
    return entry.methods[tuned.method if tuned else name]


def ways_of(entry: CrlscReportEntry, name: str) -> tuple[str, ...]:
    """The ways that its vectors went."""
    if entry.classify is None:
        return ()
    return entry.classify.ways_of(name, method_of(entry, name).base)


def shown(rows: pd.DataFrame, classify: Classify) -> pd.DataFrame:
    """Those of the first target at the largest share of its labels."""
    return rows[(rows["target"] == classify.target[0]) & (rows["labels"] == share(classify.labels[-1]))]


def drawn(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Every measure of each seed, its channel draws averaged: `value`, and `own`, what the guest gets itself.

    Args:
        folder: `results/STUDY`.
        entry: what the report covers.

    Raises:
        SemcomError: a result is missing or damaged.
    """
    classify = entry.classify
    if classify is None:
        return pd.DataFrame(columns=list(dict.fromkeys([*PLACE, *PAIR, "receivers", "value", "own"])))
    paths = {
        folder / f"crlsc/classify/test/{target}/{share(labels)}/{method}/{way}/seed{seed}.csv": {
            "study": entry.study,
            "target": target,
            "labels": share(labels),
            "method": method,
            "link": way,
            "seed": seed,
        }
        for target in classify.target
        for labels in classify.labels
        for method in methods_of(entry)
        for way in ways_of(entry, method)
        for seed in entry.seeds
    }
    check_there(list(paths))
    rows = pd.concat([_read(path, place, entry) for path, place in paths.items()])
    by = [*PLACE, "owner", "guest", "sender", "snr_db", "metric"]
    found = rows.groupby(by, sort=False, as_index=False)["value"].mean()
    same = found["owner"] == found["guest"]
    found = found.assign(
        sent_as=found["link"].map(lambda way: sent_as(classify, way)),
        channel_uses=found["link"].map(lambda way: uses(classify, way)),
        receivers=same.map({True: OWN, False: OTHERS}),
    )
    key = ["target", "labels", "method", "link", "guest", "snr_db", "metric", "seed"]
    own = found.loc[same, [*key, "value"]].rename(columns={"value": "own"})
    return found.merge(own, on=key, how="left", validate="many_to_one")


def _read(path: Path, place: dict[str, object], entry: CrlscReportEntry) -> pd.DataFrame:
    """One job's table; of every pair and sending end it has every Es/N0 and draw."""
    rows = table(path, (*PLACE, *KEY, "value"), place=place, key=KEY, may_lack=True)
    counts = rows.groupby(["owner", "guest", "sender", "metric"]).size()
    own = {(name, name) for name in entry.classified[str(place["method"])]}
    if counts.nunique() != 1 or own - set(zip(rows["owner"], rows["guest"], strict=True)):
        raise damaged(path, "lacks rows of some encoders")
    return rows


def by_pair(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `drawn`: a row an owner, guest and sending end, over seeds."""
    return _beside_own(rows, PAIR)


def by_group(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `drawn`: means over a method's encoders, or pairs of unlike ones, of each seed; then over seeds."""
    if not rows.empty:
        rows = rows.groupby([*GROUP, "seed"], sort=False, as_index=False)[["value", "own"]].mean()
    return _beside_own(rows, GROUP)


def _beside_own(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Over seeds; and the difference to what guests get from their own receivers, paired by seed."""
    apart = over_seeds(rows.assign(value=rows["value"] - rows["own"]), by)
    return over_seeds(rows, by).assign(
        own_mean=over_seeds(rows, by, "own")["mean"],
        difference=apart["mean"],
        difference_half_width=apart["half_width"],
    )


def sent_as(classify: Classify, way: str) -> str:
    """What goes over a way: `vectors`, `symbols`, or the scheme of bits and whose codebooks they are of."""
    digital = classify.digital.get(way)
    if digital:
        return f"{digital.scheme}, {digital.indices} codebooks"
    return "vectors" if way == DIRECT else "symbols"


def uses(classify: Classify, way: str) -> int:
    """Complex channel uses an image, pilots among them; 0 without a link."""
    name = classify.link_of(way)
    if name is None:
        return 0
    link = classify.links[name]
    return link.channel_uses + int(link.channel.get("pilots") or 0)


def section(pairs: pd.DataFrame, groups: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Of the page: receivers on their own encoders, then on others'.

    Args:
        pairs: of `by_pair`.
        groups: of `by_group`.
        entry: what the report covers.
    """
    classify = entry.classify
    if classify is None:
        return
    pairs, groups = shown(pairs, classify), shown(groups, classify)
    yield from _own(pairs[pairs["metric"] == ACCURACY], entry, classify)
    across = groups[(groups["metric"] == ACCURACY) & (groups["receivers"] == OTHERS)]
    if not across.empty:
        yield from _across(across, pairs[pairs["metric"] == ACCURACY], classify)


def _own(rows: pd.DataFrame, entry: CrlscReportEntry, classify: Classify) -> Iterator[str]:
    """A table: a row a method, encoder and way, a column an Es/N0."""
    yield "![Accuracy over Es/N0](crlsc_classify.png)\n"
    yield (
        f"Test images of `{classify.target[0]}`, {classify.draws} channel draws; encoders "
        f"{_frozen(classify)}, heads of one kind trained on {100 * classify.labels[-1]:g} % of the labels, "
        "over the link's training Es/N0 where symbols are sent. `direct`: without a link. Lost blocks are "
        "the mean vector. [CSV](crlsc_classify.csv), with lost blocks and payload bits.\n"
    )
    body = []
    for method, encoders in methods_of(entry).items():
        for way in ways_of(entry, method):
            for name in encoders:
                of = rows[(rows["method"] == method) & (rows["link"] == way)]
                of = of[(of["owner"] == name) & (of["guest"] == name)]
                cells = [cell(of[of["snr_db"] == snr_db]) for snr_db in classify.snr_db]
                said = [sent_as(classify, way), str(uses(classify, way))]
                body.append([method, name, way, *said, *cells])
    head = ["method", "encoder", "way", "sent as", "uses", *(f"{snr_db} dB" for snr_db in classify.snr_db)]
    yield from listed(head, body)


def _frozen(classify: Classify) -> str:
    """Which encoders stand still."""
    names = ", ".join(f"`{name}`" for name in classify.tuned)
    return f"frozen, but those of {names} trained on" if names else "frozen"


def _across(groups: pd.DataFrame, pairs: pd.DataFrame, classify: Classify) -> Iterator[str]:
    """A table: receivers of one encoder used with another, untrained: means over pairs, and the worst."""
    yield "![Receivers of other encoders](crlsc_classify_across.png)\n"
    yield (
        "Receivers used with another encoder's images, without training: means over pairs of unlike "
        "encoders, then what guests get from their own receivers, and the difference, at the highest Es/N0, "
        "with the worst pair. *Whose* sender or codebooks the guest uses: the receiver's `owner`'s, the "
        "`guest`'s own, or `nobody`'s, where all have the same or none. [CSV](crlsc_classify_means.csv).\n"
    )
    snrs = low_middle_high(classify.snr_db)
    pairs = pairs[(pairs["owner"] != pairs["guest"]) & (pairs["snr_db"] == snrs[-1])]
    body = []
    for (method, way, whose), of in groups.groupby(["method", "link", "sender"], sort=False):
        cells = [cell(of[of["snr_db"] == snr_db]) for snr_db in snrs]
        (top,) = of[of["snr_db"] == snrs[-1]].itertuples()
        here = pairs[(pairs["method"] == method) & (pairs["link"] == way) & (pairs["sender"] == whose)]
        worst = here.loc[here["difference"].idxmin()]
        apart = points(top.difference, top.difference_half_width)
        low = f"{worst['owner']} on {worst['guest']}, {100 * worst['difference']:+.1f}"
        names = [str(method), str(way), str(whose)]
        body.append([*names, *cells, f"{100 * top.own_mean:.1f}", apart, low])
    head = ["method", "way", "whose", *(f"{snr_db} dB" for snr_db in snrs)]
    yield from listed([*head, "own", "difference", "worst pair"], body)
