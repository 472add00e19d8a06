"""Which claims a study does not run, since they are on what its params do not have."""

from collections.abc import Iterator, Mapping

from semcom.params.crlsc.claims import CLASSIFIED, EACH, MEAN, OWN, RIDGE, SENT, Claim
from semcom.params.crlsc.section import INT8, MENTOR, RAW, Section
from semcom.params.faults import shown


def not_run(claims: Mapping[str, Claim], section: Section) -> dict[str, str]:
    """Names of such claims, each with the first thing that there is not."""
    found = {name: next(_lacking(claim, section), None) for name, claim in claims.items()}
    return {name: lacking for name, lacking in found.items() if lacking}


def _lacking(claim: Claim, section: Section) -> Iterator[str]:
    """What a claim names and a section does not have."""
    what, known = _known(claim, section)
    for place in (claim.of, claim.against):
        name = place.partition("/")[0]
        if name not in known:
            yield f"no {what} {shown(name)}"
    if claim.measure == "consensus" and section.consensus is None:
        yield "no consensus"
    if claim.encoder not in (MEAN, EACH, *section.encoders):
        yield f"no encoder {shown(claim.encoder)}"
    for target in claim.targets or ():
        if target not in section.targets:
            yield f"no target {shown(target)}"
    if claim.measure == "accuracy" and claim.label_fraction not in section.probe.label_fractions:
        yield f"no share {claim.label_fraction:g} of the labels"
    if claim.measure in SENT and section.images:
        if claim.link not in section.images.links:
            yield f"no link {shown(claim.link)}"
        yield from (f"none sent at {snr} dB" for snr in claim.snr_db if snr not in section.images.snr_db)
    if (classify := section.classify) and claim.measure == CLASSIFIED:
        if claim.link not in classify.ways:
            yield f"no way {shown(claim.link)}"
        if claim.label_fraction not in classify.labels:
            yield f"no share {claim.label_fraction:g} of the labels over links"
        yield from (f"none sent at {snr} dB" for snr in claim.snr_db if snr not in classify.snr_db)
        yield from (f"no {shown(t)} over links" for t in claim.targets or () if t not in classify.target)
    if claim.measure == "image_accuracy" and not (section.images and section.images.classifier):
        yield "no classifier"


def _known(claim: Claim, section: Section) -> tuple[str, tuple[str, ...]]:
    """What `of` and `against` name, and all names of it."""
    if claim.measure in SENT:
        return "method of images", tuple(section.images.methods) if section.images else ()
    if claim.measure == CLASSIFIED:
        return "method over links", tuple(section.arms)
    if claim.measure in ("retrieval", "bytes"):
        return "base", (*section.bases, RAW, *([RIDGE] if claim.measure == "bytes" else []))
    own = [OWN] if claim.measure == "consensus" else [MENTOR, INT8]
    return "method", (*section.methods, *own)
