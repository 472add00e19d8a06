"""Classification over links in the second system's report: the table, the figures, the section of the page.

results/STUDY/crlsc/classify/test/…/seedS.csv ─► means over draws ─► over seeds, with 95 % intervals
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from semcom.params.crlsc.classify import DIRECT, Classify
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.images import low_middle_high
from semcom.report.checked import check_there, damaged, table
from semcom.report.crlsc_words import cell, listed, points
from semcom.report.tables import over_seeds

PLACE = ("study", "system", "method", "link", "seed")
KEY = ("owner", "guest", "sender", "snr_db", "draw", "metric")
BY = ["method", "link", "sent_as", "channel_uses", "owner", "guest", "sender", "snr_db", "metric"]
COLUMNS = [*BY, "mean", "half_width", "seeds", "own_mean", "difference", "difference_half_width"]
ACCURACY = "accuracy"


def ways_of(entry: CrlscReportEntry, method: str) -> tuple[str, ...]:
    """The ways that a method's vectors went."""
    classify, base = entry.classify, entry.methods[method].base
    if classify is None:
        return ()
    return tuple(way for way in classify.ways if base or not shared(classify, way))


def shared(classify: Classify, way: str) -> bool:
    """Whether a way's bits are indices in a shared base's codebooks."""
    return way in classify.digital and classify.digital[way].indices == "shared"


def swept(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Every measure by method, way, pair, sending end and Es/N0, over seeds; beside it the guest's own.

    Args:
        folder: `results/STUDY`.
        entry: what the report covers.

    Raises:
        SemcomError: a result is missing or damaged.
    """
    classify = entry.classify
    if classify is None:
        return pd.DataFrame(columns=COLUMNS)
    paths = {
        folder / f"crlsc/classify/test/{method}/{way}/seed{seed}.csv": {
            "study": entry.study,
            "method": method,
            "link": way,
            "seed": seed,
        }
        for method in entry.classified
        for way in ways_of(entry, method)
        for seed in entry.seeds
    }
    check_there(list(paths))
    rows = pd.concat([_read(path, place, entry) for path, place in paths.items()])
    by = [*PLACE, "owner", "guest", "sender", "snr_db", "metric"]
    drawn = rows.groupby(by, sort=False, as_index=False)["value"].mean()
    drawn = drawn.assign(
        sent_as=drawn["link"].map(lambda way: sent_as(classify, way)),
        channel_uses=drawn["link"].map(lambda way: uses(classify, way)),
    )
    return _beside_own(drawn)


def _read(path: Path, place: dict[str, object], entry: CrlscReportEntry) -> pd.DataFrame:
    """One job's table; of every pair and sending end it has every Es/N0 and draw."""
    rows = table(path, (*PLACE, *KEY, "value"), place=place, key=KEY, may_lack=True)
    counts = rows.groupby(["owner", "guest", "sender", "metric"]).size()
    own = {(name, name) for name in entry.classified[str(place["method"])]}
    if counts.nunique() != 1 or own - set(zip(rows["owner"], rows["guest"], strict=True)):
        raise damaged(path, "lacks rows of some encoders")
    return rows


def _beside_own(drawn: pd.DataFrame) -> pd.DataFrame:
    """Over seeds; and the difference to what the guest gets from its own receiver, paired by seed."""
    key = ["method", "link", "guest", "snr_db", "metric", "seed"]
    own = drawn.loc[drawn["owner"] == drawn["guest"], [*key, "value"]].rename(columns={"value": "own"})
    both = drawn.merge(own, on=key, how="left", validate="many_to_one")
    apart = over_seeds(both.assign(value=both["value"] - both["own"]), BY)
    return over_seeds(both, BY).assign(
        own_mean=over_seeds(both, BY, "own")["mean"],
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


def section(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """Of the page: receivers on their own encoders, then on others'."""
    classify = entry.classify
    if classify is None:
        return
    rows = made[made["metric"] == ACCURACY]
    if (rows["owner"] == rows["guest"]).any():
        yield from _own(rows[rows["owner"] == rows["guest"]], entry, classify)
    if (rows["owner"] != rows["guest"]).any():
        yield from _across(rows[rows["owner"] != rows["guest"]], entry, classify)


def _own(rows: pd.DataFrame, entry: CrlscReportEntry, classify: Classify) -> Iterator[str]:
    """A table: a row a method, encoder and way, a column an Es/N0."""
    yield (
        f"Test images of `{classify.target}`, {classify.draws} channel draws; frozen encoders, heads of one "
        f"kind trained on {100 * classify.labels:g} % of the labels, over the link's training Es/N0 where "
        "symbols are sent. `direct`: without a link. Lost blocks are the mean vector. "
        "[CSV](crlsc_classify.csv), with lost blocks and payload bits.\n"
    )
    body = []
    for method, encoders in entry.classified.items():
        for way in ways_of(entry, method):
            for encoder in encoders:
                of = rows[(rows["method"] == method) & (rows["link"] == way) & (rows["owner"] == encoder)]
                cells = [cell(of[of["snr_db"] == snr_db]) for snr_db in classify.snr_db]
                said = [sent_as(classify, way), str(uses(classify, way))]
                body.append([method, encoder, way, *said, *cells])
    head = ["method", "encoder", "way", "sent as", "uses", *(f"{snr_db} dB" for snr_db in classify.snr_db)]
    yield from listed(head, body)


def _across(rows: pd.DataFrame, entry: CrlscReportEntry, classify: Classify) -> Iterator[str]:
    """A table: receivers of one encoder used with another, untrained: means over pairs, the worst."""
    yield (
        "Receivers used with another encoder's images, without training. Means over pairs of unlike "
        "encoders; in brackets, what guests get from their own receivers; then the worst pair at the highest "
        "Es/N0. *Whose* sender or codebooks the guest uses: the receiver's `owner`'s, the `guest`'s own, or "
        "`nobody`'s, where all have the same or none.\n"
    )
    snrs = low_middle_high(classify.snr_db)
    body = []
    for (method, way, whose), of in rows.groupby(["method", "link", "sender"], sort=False):
        cells = []
        for snr_db in snrs:
            at = of[of["snr_db"] == snr_db]
            cells.append(f"{100 * at['mean'].mean():.1f} ({100 * at['own_mean'].mean():.1f})")
        top = of[of["snr_db"] == snrs[-1]]
        worst = top.loc[top["difference"].idxmin()]
        apart = points(worst["difference"], worst["difference_half_width"])
        body.append(
            [str(method), str(way), str(whose), *cells, f"{worst['owner']} on {worst['guest']}, {apart}"]
        )
    yield from listed(["method", "way", "whose", *(f"{snr_db} dB" for snr_db in snrs), "worst pair"], body)
