"""A study in a few lines, as a run begins with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from semcom.params.claimed import not_run
from semcom.params.digitaljobs import DigitalJobs
from semcom.params.reportentry import Claim
from semcom.params.schema import Method, Study


def summary(study: Study, data: str, claims: Mapping[str, Claim]) -> str:
    """Study, data version, methods, seeds, links, labels and budgets; claims on what there is not."""
    tables = DigitalJobs(study, data).error_tables
    needed = {file for link in study.digital for file in tables(link)}
    unmeasured = sorted(Path(file).stem for file in needed if not Path(file).exists())
    lacking = ", ".join(f"{name} ({why})" for name, why in not_run(claims, study).items())
    methods = ", ".join(f"{name}{_start(method)}" for name, method in study.methods.items())
    return (
        f"study {study.study}, report {study.report}: data {study.data} "
        f"{study.size[0]}×{study.size[1]}, version {data}\n"
        f"  methods {methods}; seeds {_list(study.seeds)}; links {_list(study.links)}; "
        f"labels {_list(f'{name} ({share:g})' for name, share in study.labels.items())}; "
        f"budgets {_list(study.budgets)} epochs"
        + (f"; digital links {_list(study.digital)}" if study.digital else "")
        + (f"; conditions {_list(study.evaluate.conditions)}" if study.evaluate.conditions else "")
        + (f"; changing channels {_list(study.changing)}" if study.changing else "")
        + (f"; error tables to measure {_list(unmeasured)}" if unmeasured else "")
        + (f"\n  claims on what is not in this study, not run: {lacking}" if lacking else "")
    )


def _start(method: Method) -> str:
    """What stands behind the name of a method that does not pre-train."""
    if method.pretrain:
        return ""
    return f" (weights {method.encoder.weights})" if method.encoder.weights else " (no pre-training)"


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
