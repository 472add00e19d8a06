"""What the second system needs: labels to be good enough, and bytes between its parties."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from semcom.metrics.exchange import Alignment, Way, joining, ledger, raw_embeddings_bytes
from semcom.metrics.labels import labels_to_reach
from semcom.params.crlsc.entries import CrlscReportEntry, MethodSaid
from semcom.params.crlsc.section import INT8, MENTOR, RAW
from semcom.report.crlsc_results import CrlscResults
from semcom.report.crlsc_tables import at_all_labels, kind, linear

LESS = 0.01
"""How much less than its rival is good enough."""
WEIGHT = 4
"""Bytes of an encoder's parameter."""
COLOURS = 3
"""Bytes of a pixel: images as they are, where it is not known what their files take."""
PARTIES = (1, 2, 4, 8, 16, 32, 64)
LABELS = [
    "target", "encoder", "method", "against", "target_accuracy", "seed", "labels", "bound",
    "validation_labels",
]  # fmt: skip
EXCHANGE = [
    "method", "encoder", "held", "party", "parties", "knowledge_bytes", "public_images", "image_bytes",
    "sends_bytes", "receives_bytes", "stores_training_bytes", "stores_after_bytes",
]  # fmt: skip
JOINING = ["base", "shared_images", "held", "parties"]


def rival(entry: CrlscReportEntry) -> str | None:
    """The method whose accuracy is to be reached: the supervised one, else one without knowledge, if any."""
    for wanted in ("supervised", "simclr", "random"):
        for name, said in entry.methods.items():
            if kind(said) == wanted:
                return name
    return None


def good_enough(results: CrlscResults, entry: CrlscReportEntry) -> tuple[str | None, "pd.Series[float]"]:
    """The rival, and A* by target and encoder: its mean accuracy over seeds at all labels, less a point."""
    against = rival(entry)
    rows = linear(results.probe)
    all_labels = at_all_labels(rows[rows["method"] == against])
    return against, all_labels.groupby(["target", "encoder"])["value"].mean() - LESS


def labels(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """L(A*) of each method, encoder and seed: labels at which a linear head reaches A*.

    A* is that of `good_enough`; of methods that have the encoder in common with the rival. `bound` is as of
    C(A*): empty, `at most` or `more than`.
    """
    (against, wanted), rows = good_enough(results, entry), linear(results.probe)
    if against is None:
        return pd.DataFrame(columns=LABELS)
    chosen = results.probe[results.probe["metric"] == "validation_labels"]
    beside = chosen.drop_duplicates(["target", "seed"]).set_index(["target", "seed"])["value"]
    rows = rows.sort_values("target", key=lambda names: names.map(entry.targets.index), kind="stable")
    found = []
    for (target, encoder, method, seed), curve in rows.groupby(
        ["target", "encoder", "method", "seed"], sort=False
    ):
        if (target, encoder) in wanted.index and method in entry.methods:
            curve = curve.sort_values("labels").drop_duplicates("labels", keep="last")
            goal = float(wanted[target, encoder])
            reached = labels_to_reach(curve["labels"].to_numpy(), curve["value"].to_numpy(), goal)
            place = (target, encoder, method, against, goal, seed, reached.uses, reached.bound)
            found.append(dict(zip(LABELS, (*place, beside[target, seed]), strict=True)))
    return pd.DataFrame(found, columns=LABELS)


def exchange(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes that a server and one terminal send, receive and store, with public images there or not.

    Methods whose knowledge has no known size are left out: without a base nothing says how wide raw
    embeddings are. The method `mentor` ships the mentor itself, as it is or in int8.
    """
    parameters = results.cost.groupby(["method", "encoder"])["parameters"].mean()
    found = []
    for name, said in entry.methods.items():
        images, knowledge = _images(said, results, entry), _knowledge(said, results, entry)
        if images is None or knowledge is None:
            continue
        for encoder in said.encoders:
            weights = round(WEIGHT * float(parameters[name, encoder]))
            way = Way(knowledge, images, weights, kept=said.base is not None)
            found += list(_ways(way, (name, encoder), image_bytes(said.part, results, entry)))
    for encoder, size in _mentors(results).items():
        found += list(_ways(Way(size, 0, 0, kept=True), (MENTOR, encoder), 0.0))
    return pd.DataFrame(found, columns=EXCHANGE)


def _ways(way: Way, of: tuple[str, str], image: float) -> Iterator[dict[str, object]]:
    """Rows of a method and encoder, with public images there and, if there are any, downloaded."""
    for held in (True, False) if way.public_images else (True,):
        for row in ledger(way, image_bytes=image, held=held, terminals=1):
            said = {"knowledge_bytes": way.knowledge_bytes, "public_images": way.public_images}
            yield {"method": of[0], "encoder": of[1], **said, "image_bytes": image, **row}


def _mentors(results: CrlscResults) -> dict[str, int]:
    """Bytes of the mentor itself, where probes say them."""
    rows = results.probe[(results.probe["method"] == MENTOR) & (results.probe["metric"] == "shipped_bytes")]
    means = rows.groupby("encoder")["value"].mean()
    return {way: round(float(means[way])) for way in (RAW, INT8) if way in means.index}


def image_bytes(part: str, results: CrlscResults, entry: CrlscReportEntry) -> float:
    """Of an image of a public part: its file's, if a base of the part says them, else uncompressed."""
    sizes, of = results.sizes, [name for name, held in entry.base_parts.items() if held == part]
    said = sizes.loc[sizes["base"].isin(of), "image_bytes"].dropna()
    width, height = entry.size
    return float(said.mean()) if len(said) else float(COLOURS * width * height)


def joins(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes when the n-th party joins: a download of each base, against maps of n shared images.

    Shared images are of the part that the base holds, or take as much as those.
    """
    counts: Any = (_section(entry).get("consensus") or {}).get("maps", ())
    found = []
    for base in dict.fromkeys(said.base for said in entry.methods.values() if said.base):
        sizes = results.sizes[results.sizes["base"] == base]
        size, vectors, dim = (float(sizes[name].mean()) for name in ("bytes", "vectors", "dim"))
        file = image_bytes(entry.base_parts.get(base, ""), results, entry)
        for shared in counts:
            for held in (True, False):
                image = 0.0 if held else file
                alignment = Alignment(shared, round(dim), image)
                rows = joining(PARTIES[-1], base_bytes=round(size + vectors * image), alignment=alignment)
                place = {"base": base, "shared_images": shared, "held": held}
                found += [{**place, **row} for row in rows if row["parties"] in PARTIES]
    return pd.DataFrame(found) if found else pd.DataFrame(columns=JOINING)


def _section(entry: CrlscReportEntry) -> dict[str, Any]:
    """The params file's section, as far as the entry tells."""
    found = entry.params.get("crlsc")
    return found if isinstance(found, dict) else {}


def _images(said: MethodSaid, results: CrlscResults, entry: CrlscReportEntry) -> int | None:
    """Public images that a method trains on; 0 of a private part or none; None: nobody says how many."""
    part = _section(entry).get("parts", {}).get(said.part, {})
    if not said.trains or part.get("role") != "public":
        return 0
    for count in _counts(said, part, results, entry):
        return count
    return None


def _counts(
    said: MethodSaid, part: dict[str, Any], results: CrlscResults, entry: CrlscReportEntry
) -> Iterator[int]:
    """Places that say how many images a public part has."""
    if isinstance(part.get("count"), int):
        yield int(str(part["count"]))
    for base, given in _section(entry).get("bases", {}).items():
        if base == said.base or given.get("of") == said.part:
            yield round(float(results.sizes.loc[results.sizes["base"] == base, "vectors"].mean()))


def _knowledge(said: MethodSaid, results: CrlscResults, entry: CrlscReportEntry) -> int | None:
    """Bytes that a server ships for a method; None: nobody says."""
    sizes = results.sizes
    if said.base:
        return round(float(sizes.loc[sizes["base"] == said.base, "bytes"].mean()))
    if not said.guide:
        return 0
    images = _images(said, results, entry)
    if images is None or sizes.empty or np.ptp(sizes["dim"].to_numpy()):
        return None
    return raw_embeddings_bytes(images, round(float(sizes["dim"].iloc[0])))
