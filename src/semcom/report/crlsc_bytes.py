"""Bytes between the second system's parties: of a server and a terminal, and as parties join."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from semcom.metrics.exchange import FP16, Alignment, Way, joining, ledger, raw_embeddings_bytes
from semcom.params.crlsc.entries import CrlscReportEntry, MethodSaid
from semcom.params.crlsc.section import INT8, MENTOR, RAW
from semcom.report.crlsc_results import CrlscResults

WEIGHT = 4
"""Bytes of an encoder's parameter."""
COLOURS = 3
"""Bytes of a pixel: images as they are, where it is not known what their files take."""
PARTIES = (1, 2, 4, 8, 16, 32, 64)
EXCHANGE = [
    "method", "encoder", "held", "party", "parties", "knowledge_bytes", "public_images", "image_bytes",
    "private_bytes", "sends_bytes", "receives_bytes", "stores_training_bytes", "stores_after_bytes",
]  # fmt: skip
JOINING = ["base", "shared_images", "held", "parties"]


@dataclass
class Taken:
    """What a terminal takes of the server for one encoder, nothing twice.

    Attributes:
        images: public images, by part.
        bases: bytes, by name.
        raw: bytes of embeddings as they are, by part.
    """

    images: dict[str, int] = field(default_factory=dict)
    bases: dict[str, int] = field(default_factory=dict)
    raw: dict[str, int] = field(default_factory=dict)


def exchange(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes that a server and one terminal send, receive and store, with public images there or not.

    A method that goes on from another takes what that one took, too. `private_bytes` is the largest private
    base that was probed, which the terminal keeps. Methods whose knowledge has no known size are left out:
    without a base nothing says how wide raw embeddings are. The method `mentor` ships the mentor itself, as
    it is or in int8.
    """
    parameters = results.cost.groupby(["method", "encoder"])["parameters"].mean()
    private = _private(results)
    found = []
    for name, said in entry.methods.items():
        for encoder in said.encoders:
            taken = _taken(name, encoder, results, entry)
            if taken is None:
                continue
            way = Way(
                knowledge_bytes=sum(taken.bases.values()) + sum(taken.raw.values()),
                public_images=sum(taken.images.values()),
                encoder_bytes=round(WEIGHT * float(parameters[name, encoder])),
                private_bytes=private.get((name, encoder), 0),
                kept=said.base is not None,
            )
            files = sum(image_bytes(part, results, entry) * count for part, count in taken.images.items())
            image = files / way.public_images if way.public_images else 0.0
            found += list(_ways(way, (name, encoder), image))
    for encoder, size in _mentors(results).items():
        way = Way(size, 0, 0, private_bytes=private.get((MENTOR, encoder), 0), kept=True)
        found += list(_ways(way, (MENTOR, encoder), 0.0))
    return pd.DataFrame(found, columns=EXCHANGE)


def _ways(way: Way, of: tuple[str, str], image: float) -> Iterator[dict[str, object]]:
    """Rows of a method and encoder, with public images there and, if there are any, downloaded."""
    for held in (True, False) if way.public_images else (True,):
        for row in ledger(way, image_bytes=image, held=held, terminals=1):
            said = {"knowledge_bytes": way.knowledge_bytes, "public_images": way.public_images}
            own = {"private_bytes": way.private_bytes if row["party"] == "terminal" else 0}
            yield {"method": of[0], "encoder": of[1], **said, "image_bytes": image, **own, **row}


def _mentors(results: CrlscResults) -> dict[str, int]:
    """Bytes of the mentor itself, where probes say them."""
    rows = results.probe[(results.probe["method"] == MENTOR) & (results.probe["metric"] == "shipped_bytes")]
    means = rows.groupby("encoder")["value"].mean()
    return {way: round(float(means[way])) for way in (RAW, INT8) if way in means.index}


def _private(results: CrlscResults) -> dict[tuple[str, str], int]:
    """Bytes of the largest target's private base, by method and encoder."""
    rows = results.probe[(results.probe["head"] == "private") & (results.probe["metric"] == "bytes")]
    means = rows.groupby(["method", "encoder", "target"])["value"].mean()
    largest = means.groupby(level=["method", "encoder"]).max()
    return {(str(of), str(encoder)): round(size) for (of, encoder), size in largest.items()}


def image_bytes(part: str, results: CrlscResults, entry: CrlscReportEntry) -> float:
    """Of an image of a public part: its file's, if a base of the part says them, else uncompressed."""
    sizes, of = results.sizes, [name for name, held in entry.base_parts.items() if held == part]
    said = sizes.loc[sizes["base"].isin(of), "image_bytes"].dropna()
    width, height = entry.size
    return float(said.mean()) if len(said) else float(COLOURS * width * height)


def joins(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes when the n-th party joins: a download of each base, against maps of n shared images.

    Maps are of backbone features, as wide as those of the encoders that were compared. Shared images are of
    the part that the base holds, or take as much as those.
    """
    counts: Any = (_section(entry).get("consensus") or {}).get("maps", ())
    width, found = feature_width(results), []
    if width is None:
        return pd.DataFrame(columns=JOINING)
    for base in dict.fromkeys(said.base for said in entry.methods.values() if said.base):
        sizes = results.sizes[results.sizes["base"] == base]
        size, vectors = (float(sizes[name].mean()) for name in ("bytes", "vectors"))
        file = image_bytes(entry.base_parts.get(base, ""), results, entry)
        for shared in counts:
            for held in (True, False):
                image = 0.0 if held else file
                alignment = Alignment(shared, width, image)
                rows = joining(PARTIES[-1], base_bytes=round(size + vectors * image), alignment=alignment)
                place = {"base": base, "shared_images": shared, "held": held}
                found += [{**place, **row} for row in rows if row["parties"] in PARTIES]
    return pd.DataFrame(found) if found else pd.DataFrame(columns=JOINING)


def feature_width(results: CrlscResults) -> float | None:
    """Mean dimensions of the features that ridge maps went to; None: there were no maps."""
    rows = results.consensus
    mapped = rows[(rows["space"] == "features") & (rows["shared_images"] > 0)]
    widths = mapped["exchanged_bytes"] / (mapped["shared_images"] * FP16)
    return float(widths.mean()) if len(widths) else None


def _section(entry: CrlscReportEntry) -> dict[str, Any]:
    """The params file's section, as far as the entry tells."""
    found = entry.params.get("crlsc")
    return found if isinstance(found, dict) else {}


def _taken(method: str, encoder: str, results: CrlscResults, entry: CrlscReportEntry) -> Taken | None:
    """All trainings behind an encoder together; None: nobody says how large something is."""
    chain, found = [entry.methods[method]], Taken()
    while chain[0].after is not None:
        chain.insert(0, entry.methods[chain[0].after])
    sizes = results.sizes
    for said in chain:
        images = _images(said, encoder, results, entry)
        if images is None:
            return None
        found.images[said.part] = max(images, found.images.get(said.part, 0))
        if said.base:
            found.bases[said.base] = round(float(sizes.loc[sizes["base"] == said.base, "bytes"].mean()))
        elif said.guide:
            if sizes.empty or np.ptp(sizes["dim"].to_numpy()):
                return None
            raw = raw_embeddings_bytes(images, round(float(sizes["dim"].iloc[0])))
            found.raw[said.part] = max(raw, found.raw.get(said.part, 0))
    return found


def _images(said: MethodSaid, encoder: str, results: CrlscResults, entry: CrlscReportEntry) -> int | None:
    """Public images that an encoder trains on; 0 of a private part or none; None: nobody says how many."""
    part = _section(entry).get("parts", {}).get(said.part, {})
    if not said.trains or part.get("role") != "public":
        return 0
    for count in _counts(said, part, results, entry):
        shares = len(said.encoders) if said.disjoint else 1
        return len(range(said.encoders.index(encoder) if said.disjoint else 0, count, shares))
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
