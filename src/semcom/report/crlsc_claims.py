"""Whether a study of the second system bears out the claims that it names.

    claim ─► is it in the study? ─► differences over seeds and test images, or ratios over seeds ─► verdict

Verdicts are those of `report.claims`. A claim at several places (targets, encoders) must hold at each, its
p-values adjusted by Holm.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.params.crlsc.claims import RATIOS, Claim
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report import crlsc_effects
from semcom.report.claims import adjusted, verdict
from semcom.report.crlsc_claimed import NONE, Effects, NotRun, Study
from semcom.report.crlsc_outcomes import Kept
from semcom.report.crlsc_results import CrlscResults

COLUMNS = ["claim", "says", "measure", "of", "against", "target", "encoder", "label_fraction"]
COLUMNS += ["head", "direction", "margin", "effect", "low", "high", "p", "verdict", "note"]
MEASURES: Mapping[str, Callable[[Study, Claim], Effects]] = {
    "accuracy": crlsc_effects.accuracy,
    "labels": crlsc_effects.labels,
    "computing": crlsc_effects.computing,
    "retrieval": crlsc_effects.retrieval,
    "consensus": crlsc_effects.consensus,
    "bytes": crlsc_effects.bytes_,
    "psnr": crlsc_effects.images,
    "image_accuracy": crlsc_effects.images,
    "link_accuracy": crlsc_effects.classified,
}


def claims(
    folder: Path,
    entry: CrlscReportEntry,
    results: CrlscResults,
    *,
    labels: pd.DataFrame,
    computing: pd.DataFrame,
    images: pd.DataFrame,
    classified: pd.DataFrame,
) -> pd.DataFrame:
    """One row a claim, target and encoder.

    Args:
        folder: `results/STUDY`.
        entry: what the report covers, claims among it.
        results: its tables.
        labels: of `crlsc_needs.labels`.
        computing: of `crlsc_computing.computing`.
        images: of `crlsc_images.by_seed`.
        classified: of `crlsc_classify.drawn`.

    Raises:
        SemcomError: a file of outcomes is missing, damaged, or of other test images than its rival's.
    """
    kept = Kept(folder / "crlsc", entry.seeds)
    study = Study(entry, results, labels, computing, images, classified, kept)
    rows: list[list[object]] = []
    for name, claim in entry.claims.items():
        about = [name, claim.says, claim.measure, claim.of, claim.against]
        wanted = [claim.label_fraction, claim.head, claim.direction, claim.margin]
        try:
            if len(entry.seeds) < 2 and claim.measure != "bytes":
                raise NotRun("one seed gives no interval")
            effects = adjusted(MEASURES[claim.measure](study, claim))
        except NotRun as lacking:
            rows.append([*about, NONE, NONE, *wanted, *[np.nan] * 4, "not run", str(lacking)])
            continue
        ratio = claim.measure in RATIOS
        for place, effect in effects.items():
            said = verdict(effect, direction=claim.direction, margin=claim.margin, ratio=ratio)
            rows.append([*about, *place, *wanted, *effect[:4], said, effect.note])
    return pd.DataFrame(rows, columns=COLUMNS)
