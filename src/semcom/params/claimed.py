"""Which claims on the first system a study does not run, since they are on what its params do not have."""

from collections.abc import Iterator, Mapping

from semcom.params.faults import shown
from semcom.params.reportentry import Claim
from semcom.params.schema import Study


def not_run(claims: Mapping[str, Claim], study: Study) -> dict[str, str]:
    """Names of such claims, each with the first thing that there is not."""
    found = {name: next(_lacking(claim, study), None) for name, claim in claims.items()}
    return {name: lacking for name, lacking in found.items() if lacking}


def places(claim: Claim) -> tuple[str, str]:
    """METHOD/LINK of the claim's method and of its rival."""
    of, against = (n if "/" in n else f"{n}/{claim.link}" for n in (claim.of, claim.against))
    return of, against


def _lacking(claim: Claim, study: Study) -> Iterator[str]:
    for place in places(claim):
        method, link = place.split("/", 1)
        if method not in study.methods:
            yield f"no method {shown(method)}"
        if link not in study.links and link not in study.digital:
            yield f"no link {shown(link)}"
        elif link in study.digital and method not in study.digital_methods(link):
            yield f"{method} does not go over {link}"
    if claim.labels not in study.labels:
        yield f"no labels {shown(claim.labels)}"
    absent = [budget for budget in claim.budgets or () if budget and budget not in study.budgets]
    if absent:
        yield f"no budget of {', '.join(map(str, absent))} epochs"
    if claim.snr_db is not None and claim.snr_db not in study.evaluate.snr_db:
        yield f"no test at {claim.snr_db:g} dB"
    if len(study.seeds) < 2:
        yield "one seed"
