"""Which claims a study does not run, since they are on what its params do not have."""

from collections.abc import Iterator, Mapping

from semcom.params.crlsc.claims import CLASSIFIED, EACH, MEAN, OWN, RIDGE, SENT, Claim
from semcom.params.crlsc.section import RAW, Section
from semcom.params.faults import shown


def not_run(claims: Mapping[str, Claim], section: Section, *, seeds: int) -> dict[str, str]:
    """Names of such claims, each with the first thing that there is not; `seeds` is their number."""
    found = {name: next(_lacking(claim, section, seeds), None) for name, claim in claims.items()}
    return {name: lacking for name, lacking in found.items() if lacking}


def _lacking(claim: Claim, section: Section, seeds: int) -> Iterator[str]:
    """What a claim names and a section does not have."""
    if claim.measure in SENT:
        yield from _sent(claim, section)
    elif claim.measure == CLASSIFIED:
        yield from _classified(claim, section)
    elif claim.measure in ("retrieval", "bytes"):
        if section.probe is None and claim.measure == "retrieval":
            yield "no probes"
        known = (*section.bases, RAW, *([RIDGE] if claim.measure == "bytes" else []))
        yield from (f"no base {shown(name)}" for name in _names(claim) if name not in known)
    else:
        yield from _encoded(claim, section)
    if seeds < 2 and claim.measure != "bytes":
        yield "one seed"


def _names(claim: Claim) -> list[str]:
    return [place.partition("/")[0] for place in (claim.of, claim.against)]


def _encoded(claim: Claim, section: Section) -> Iterator[str]:
    """Of a claim on local encoders."""
    methods = [name for name in _names(claim) if claim.measure != "consensus" or name != OWN]
    yield from (f"no method {shown(name)}" for name in methods if name not in section.methods)
    yield from _encoder(claim, [section.encoders_of(name) for name in methods if name in section.methods])
    if claim.measure == "consensus":
        across = section.consensus
        if across is None:
            yield "no consensus"
        for place in (claim.of, claim.against):
            images = place.partition("/")[2]
            if across and images and int(images) not in across.maps:
                yield f"no maps on {images} images"
        return
    yield from (f"no target {shown(name)}" for name in claim.targets or () if name not in section.targets)
    if section.probe is None:
        yield "no probes"
    elif claim.measure == "accuracy" and claim.label_fraction not in section.probe.label_fractions:
        yield f"no share {claim.label_fraction:g} of the labels"


def _encoder(claim: Claim, of_methods: list[tuple[str, ...]]) -> Iterator[str]:
    """The encoder that a claim names, or any that its methods have in common."""
    common = (
        [name for name in of_methods[0] if all(name in every for every in of_methods)] if of_methods else []
    )
    if claim.encoder not in (MEAN, EACH) and claim.encoder not in common:
        yield f"no encoder {shown(claim.encoder)} of both"
    if of_methods and not common:
        yield "no encoder in common"


def _sent(claim: Claim, section: Section) -> Iterator[str]:
    """Of a claim on images over a link."""
    images, link = section.images, str(claim.link)
    if images is None:
        yield "no images over links"
        return
    if link not in images.links:
        yield f"no link {shown(link)}"
    for name in _names(claim):
        if name not in images.methods:
            yield f"no method of images {shown(name)}"
        elif link not in images.links_of(name):
            yield f"{name} does not go over {link}"
    yield from (f"none sent at {snr_db} dB" for snr_db in claim.snr_db if snr_db not in images.snr_db)
    if claim.measure == "image_accuracy" and not images.classifier:
        yield "no classifier"


def _classified(claim: Claim, section: Section) -> Iterator[str]:
    """Of a claim on classification over links."""
    classify, way = section.classify, str(claim.link)
    if classify is None:
        yield "no classification over links"
        return
    if way not in classify.ways:
        yield f"no way {shown(way)}"
    for name in _names(claim):
        if name not in section.arms:
            yield f"no method over links {shown(name)}"
        elif way not in section.ways_of(name):
            yield f"{name} does not go over {way}"
    known = [section.classified(name) for name in _names(claim) if name in section.arms]
    yield from _encoder(claim, known)
    if claim.label_fraction not in classify.labels:
        yield f"no share {claim.label_fraction:g} of the labels over links"
    yield from (f"none sent at {snr_db} dB" for snr_db in claim.snr_db if snr_db not in classify.snr_db)
    yield from (f"no {shown(name)} over links" for name in claim.targets or () if name not in classify.target)
