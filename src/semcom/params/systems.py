"""One params file, two systems: which of them it has, and the jobs of each.

A file has the first system's keys, or a section `crlsc`, or both; `study`, `report`, `seeds`, `compute` and
`tracking` are for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import faults, start
from semcom.params.crlsc import claims
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import KEY, SHARED, load, named, own_classes
from semcom.params.datafacts import facts
from semcom.params.dataversion import data_version
from semcom.params.jobs import Jobs
from semcom.params.schema import Study, Tracking
from semcom.params.sections import Compute


@dataclass(frozen=True)
class Systems:
    """The jobs of each system that a params file has, one at least.

    Attributes:
        mmssl: of the first one, or None.
        crlsc: of the second one, or None.
    """

    mmssl: Jobs | None
    crlsc: CrlscJobs | None

    @property
    def each(self) -> list[Jobs | CrlscJobs]:
        """Those that there are."""
        return [jobs for jobs in (self.mmssl, self.crlsc) if jobs]

    @property
    def compute(self) -> Compute:
        """Of both."""
        return self.each[0].study.compute

    @property
    def tracking(self) -> Tracking:
        """Of both."""
        return self.each[0].study.tracking

    @property
    def study(self) -> str:
        """Of both."""
        return self.each[0].study.study

    @property
    def report(self) -> str:
        """Of both."""
        return self.each[0].study.report

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that a job may have."""
        first = self.mmssl.study.seeds if self.mmssl else ()
        return tuple(dict.fromkeys([*first, *(self.crlsc.seeds if self.crlsc else ())]))

    @property
    def versions(self) -> dict[str, str]:
        """Content version of each data set."""
        first = {self.mmssl.study.data: self.mmssl.data} if self.mmssl else {}
        return first | dict(self.crlsc.versions if self.crlsc else {})

    @property
    def methods(self) -> list[str]:
        """Names that a job's method may have."""
        first = [*self.mmssl.study.methods, *self.mmssl.knowledge_methods] if self.mmssl else []
        other = [method for method, _ in [*self.crlsc.trained, *self.crlsc.probed]] if self.crlsc else []
        return list(dict.fromkeys([*first, *other]))

    def prepare(self, data: str, size: str) -> str:
        """Entry of `semcom prepare` for a data set at a size, `48x36`."""
        first = self.mmssl
        if first and (data, size) == (first.study.data, "{}x{}".format(*first.study.size)):
            return first.prepare()
        assert self.crlsc is not None
        return self.crlsc.prepare(data)

    def table(self, file: str) -> str:
        """Entry of `semcom links table` for the error table that is called `file`."""
        own = (self.crlsc.images, self.crlsc.classify) if self.crlsc else ()
        for jobs in own:
            if jobs and file in jobs.tables:
                return jobs.table(file)
        assert self.mmssl is not None
        return self.mmssl.digital.table(file)

    def summary(self) -> str:
        """What each system is asked for."""
        return "\n".join(jobs.summary() for jobs in self.each)

    def check(self) -> None:
        """Check folders and users' own classes, before jobs run.

        Raises:
            SemcomError: as `start.check_writable` and `start.check_classes`.
        """
        for jobs in self.each:
            start.check_writable(jobs.folders)
        if self.mmssl:
            start.check_own_classes(self.mmssl.study)
        if self.crlsc:
            start.check_classes(own_classes(self.crlsc.study))


def systems(config: Mapping[str, Any], *, files: Sequence[str | Path], root: Path) -> Systems:
    """The jobs of the systems that `config`, the content of `files`, describes.

    Args:
        config: Snakemake's config.
        files: the params files that it came from; named in the report.
        root: the repository, where `data.dvc` is.

    Raises:
        SemcomError: there is no params file; a key that stands twice, faults in the params, or a data set
            that is not registered or lacks what a method needs.
    """
    if not config:
        raise SemcomError(
            f"there are no params: {root.resolve()} has no params/quickstart.yaml; start in the repository's "
            "root, or with --directory ROOT, or name a file, --configfile FILE"
        )
    first = {key: value for key, value in config.items() if key != KEY}
    if KEY not in config:
        _check_spelling(config)
        return Systems(start.start(first, files=files, root=root), None)
    # Unknown keys are told of by the first system, where there is one.
    both = any(key in Study.model_fields and key not in SHARED for key in first)
    own = {key: value for key, value in config.items() if not both or key in (*SHARED, KEY)}
    mmssl = start.start(first, files=files, root=root) if both else None
    return Systems(mmssl, _second(own, files, root))


def _second(config: Mapping[str, Any], files: Sequence[str | Path], root: Path) -> CrlscJobs:
    """The second system's jobs."""
    names = start.named_once(files, root)
    section = config[KEY]
    sets = list(dict.fromkeys(named(section)))
    known = {name: facts(root, name) for name in sets}
    classes = {name: found.classes if found else None for name, found in known.items()}
    try:
        versions = {name: data_version(root, name) for name in sets}
    except SemcomError as unregistered:
        try:
            load(config, classes)
        except SemcomError as more:  # told at once, not only to those who have added the data set
            raise SemcomError(f"{unregistered}\nbesides, {more}") from None
        raise
    study = load(config, classes)
    name = study.crlsc.claims
    claimed = claims.load(root / f"params/claims/{name}.yaml") if name else {}
    return CrlscJobs(study, versions, names, claimed)


def _check_spelling(config: Mapping[str, Any]) -> None:
    """A file without the section, but with a key that was meant for it."""
    for key, value in config.items():
        if key not in Study.model_fields and faults.nearest(key, [KEY]):
            faults.refuse([faults.unknown_key((key,), value, [*Study.model_fields, KEY])])
