"""Which runs of a study are compared: names on the command line ─► two places and the seeds they share."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from semcom.files.errors import SemcomError
from semcom.metrics.intervals import check_seeds
from semcom.params.faults import nearest


class Run(NamedTuple):
    """All seeds of one method over one link with one label fraction."""

    method: str
    link: str
    labels: str

    def __str__(self) -> str:
        return "/".join(self)


Found = dict[Run, tuple[int, ...]]
"""The seeds of every run."""
KINDS = ("method", "link", "labels")


def find(results: Path, study: str) -> Found:
    """All runs that a study evaluated, with their seeds.

    Raises:
        SemcomError: there is no such study, or nothing of it was evaluated.
    """
    folder = results / study / "evaluate"
    seeds: dict[Run, list[int]] = {}
    for path in sorted(folder.glob("*/*/*/seed*")):
        number = path.name.removeprefix("seed")
        if number.isdecimal() and any((path / name).is_file() for name in ("sweep.csv", "predictions.npz")):
            method, link, labels = path.parent.relative_to(folder).parts
            seeds.setdefault(Run(method, link, labels), []).append(int(number))
    if not seeds:
        others = sorted(path.parent.name for path in results.glob("*/evaluate") if path.parent.name != study)
        words = f"studies there: {', '.join(others)}" if others else f"there are none in {results}"
        raise SemcomError(
            f"no evaluated runs of a study {study!r}{nearest(study, others)}; {words}; "
            "run snakemake with its params file first"
        )
    return {run: tuple(sorted(numbers)) for run, numbers in seeds.items()}


def pair(found: Found, a: str, b: str) -> tuple[Run, Run]:
    """The runs that two names mean.

    A name is a method, a link, or several of method, link and labels with `/` between. What one leaves out
    is taken from the other, or else is the only one that both have.

    Raises:
        SemcomError: a name is unknown or says too little, or both mean the same.
    """
    parts_a, parts_b = _parts(found, a), _parts(found, b)
    alike = [
        (x, y)
        for x in _fitting(found, parts_b | parts_a)
        for y in _fitting(found, parts_a | parts_b)
        if all(getattr(x, kind) == getattr(y, kind) for kind in KINDS if kind not in parts_a | parts_b)
    ]
    if len(alike) == 1 and alike[0][0] != alike[0][1]:
        return alike[0]
    run_a, run_b = _complete(found, a, parts_b | parts_a), _complete(found, b, parts_a | parts_b)
    if run_a == run_b:
        raise SemcomError(f"{a} and {b} both are {run_a}: give two different runs; {_there(found)}")
    return run_a, run_b


def seeds_of(found: Found, a: Run, b: Run, wanted: Sequence[int]) -> tuple[int, ...]:
    """The seeds to pair.

    Args:
        found: the seeds of every run.
        a: one run.
        b: the other.
        wanted: only these; none: all, which must then be the same for both.

    Raises:
        SemcomError: the two have different seeds, a wanted one is not there, or only one seed is left.
    """
    common = sorted(set(found[a]) & set(found[b]))
    for run in (a, b):
        if lacking := sorted(set(wanted) - set(found[run])):
            raise SemcomError(f"{run} has no seed {_list(lacking)}; its seeds: {_list(found[run])}")
    if not wanted and found[a] != found[b]:
        way = f" or compare those of both: {' '.join(f'--seed {s}' for s in common)}" if common else ""
        raise SemcomError(
            f"{a} has the seeds {_list(found[a])}, but {b} has {_list(found[b])}: differences are paired by "
            f"seed; run snakemake for those that lack{way}"
        )
    seeds = tuple(sorted(set(wanted))) or tuple(common)
    check_seeds(len(seeds))
    return seeds


def chosen(what: str, wanted: Sequence[int], a: Sequence[int], b: Sequence[int]) -> list[int]:
    """`wanted`, or all that both A and B have, in rising order.

    Raises:
        SemcomError: one is not there, or A and B have none in common.
    """
    there = sorted(set(a) & set(b))
    if not there:
        raise SemcomError(f"no {what} in common: {_list(sorted(a))} of A, {_list(sorted(b))} of B")
    for value in wanted:
        if value not in there:
            raise SemcomError(f"no {what} of {value} in both runs; there: {_list(there)}")
    return [value for value in there if not wanted or value in wanted]


def _parts(found: Found, text: str) -> dict[str, str]:
    """Kind and name of each part of a name."""
    names = {kind: sorted({getattr(run, kind) for run in found}) for kind in KINDS}
    words = text.split("/")
    if len(words) == len(KINDS):
        parts = dict(zip(KINDS, words, strict=True))
        for kind, word in parts.items():
            if word not in names[kind]:
                near = nearest(word, names[kind])
                there = f"its {kind}s" if kind != "labels" else "its labels"
                raise SemcomError(f"{text}: no {kind} {word!r}{near}; {there}: {_list(names[kind])}")
        return parts
    parts = {}
    for word in words:
        kinds = [kind for kind in KINDS if word in names[kind]]
        if not kinds:
            every = sorted({name for group in names.values() for name in group})
            raise SemcomError(f"{text}: no {word!r} in this study{nearest(word, every)}; {_there(found)}")
        if len(kinds) > 1 or kinds[0] in parts:
            raise SemcomError(
                f"{text}: {word!r} is not clear ({' and '.join(kinds)}); write METHOD/LINK/LABELS; "
                f"{_there(found)}"
            )
        parts[kinds[0]] = word
    return parts


def _fitting(found: Found, parts: dict[str, str]) -> list[Run]:
    return [run for run in found if all(getattr(run, kind) == name for kind, name in parts.items())]


def _complete(found: Found, text: str, parts: dict[str, str]) -> Run:
    fitting = _fitting(found, parts)
    if not fitting:
        raise SemcomError(f"{text}: no run of {_list(parts.values())}; {_there(found)}")
    if len(fitting) > 1:
        raise SemcomError(f"{text} may be {' or '.join(map(str, fitting))}: write one of these")
    return fitting[0]


def _there(found: Found) -> str:
    return f"its runs: {_list(found)}"


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
