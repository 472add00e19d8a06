"""What of a claim on the second system a study has: its targets, methods and encoders."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from semcom.params.crlsc.claims import EACH, MEAN, Claim
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.faults import unknown
from semcom.report import crlsc_computing, crlsc_needs
from semcom.report.claims import Effect
from semcom.report.crlsc_left_out import left_out
from semcom.report.crlsc_outcomes import Kept
from semcom.report.crlsc_results import CrlscResults

NONE = "none"
"""Of a row that is of no single target or encoder."""
Effects = dict[tuple[str, str], Effect]
"""By target and encoder."""


class NotRun(Exception):
    """What a study lacks for a claim."""


@dataclass(frozen=True)
class Study:
    """What claims are judged by.

    Attributes:
        entry: what the report covers.
        results: its tables.
        labels: of `crlsc_needs.labels`.
        computing: of `crlsc_computing.computing`.
        images: of `crlsc_images.by_seed`.
        classified: of `crlsc_classify.drawn`.
        kept: which test images encoders are right about.
    """

    entry: CrlscReportEntry
    results: CrlscResults
    labels: pd.DataFrame
    computing: pd.DataFrame
    images: pd.DataFrame
    classified: pd.DataFrame
    kept: Kept

    @cached_property
    def labels_without(self) -> list[pd.DataFrame]:
        """`labels` without each block of test images."""
        return left_out(self.results, self.entry, self.kept, crlsc_needs.labels)

    @cached_property
    def computing_without(self) -> list[pd.DataFrame]:
        """`computing` without each block of test images."""
        return left_out(self.results, self.entry, self.kept, crlsc_computing.computing)


def there(name: str, names: Iterable[str], what: str) -> None:
    """Raises: NotRun: there is no `what` of that name."""
    found = list(names)
    if name not in found:
        raise NotRun(unknown(name, found, what) if found else f"the study has no {what}")


def targets(study: Study, claim: Claim) -> tuple[str, ...]:
    """Those that the claim is for.

    Raises:
        NotRun: the study lacks one.
    """
    for target in claim.targets or ():
        there(target, study.entry.targets, "targets")
    return claim.targets or study.entry.targets


def encoders(study: Study, claim: Claim, *methods: str) -> dict[str, list[str]]:
    """Encoders that are averaged, by the name of their mean; those that all methods have.

    Raises:
        NotRun: the study lacks a method, or the methods an encoder.
    """
    for method in methods:
        there(method, study.entry.methods, "methods")
    every = [study.entry.methods[method].encoders for method in methods]
    both = [name for name in every[0] if all(name in names for names in every)]
    if claim.encoder in (MEAN, EACH):
        if not both:
            raise NotRun(f"{' and '.join(methods)} have no encoder in common")
        return {MEAN: both} if claim.encoder == MEAN else {name: [name] for name in both}
    there(claim.encoder, both, "encoders of both")
    return {claim.encoder: [claim.encoder]}
