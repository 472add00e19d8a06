"""Why a job would run, in words: from Snakemake's decision, its memory of the last run, and the journal."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semcom.plan.attempts import Attempt, checkpoint, clock, last
from semcom.plan.dag import Job

MOST = 6
"""Differences that are listed one by one."""
WIDEST = 48
"""Characters of a value."""


def causes(job: Job, *, states: Path, running: bool) -> list[str]:
    """Why `job` would run, or what it does now.

    Args:
        job: one that would run.
        states: folder of training states.
        running: a workflow is at work in this checkout.
    """
    attempt = last(job.journal)
    if attempt is not None and attempt.status == "RUNNING":
        reached = attempt.reached()
        where = f"host {attempt.host}, pid {attempt.pid}" if attempt.pid else "a living process"
        return [
            f"running now: {where}, since {clock(attempt.begin)}" + (f", at {reached}" if reached else "")
        ]
    told = [*_unfinished(job, attempt, states=states, running=running), *_differences(job)]
    if job.missing and not told:
        if attempt is None and not job.remembered:
            return ["never ran"]
        told.append(f"files are gone: {_some(job.missing)}")
    told += [f"its input changed: {file}" for file in job.changed]
    if job.other_inputs:
        told.append("it reads other files than before")
    if job.other_command:
        told.append("the command line of its rule changed")
    if job.follows:
        told.append(f"follows from {_upstream(job)}")
    return told or ["Snakemake says so: see snakemake -n"]


def _unfinished(job: Job, attempt: Attempt | None, *, states: Path, running: bool) -> Iterator[str]:
    """The last attempt, if it did not end well or has not begun to write."""
    if job.sent:
        yield f"sent to the cluster as job {job.sent}" + ("" if running else " by a workflow that was killed")
    if attempt is None or attempt.status == "FINISHED":
        if job.half_done and not job.sent:
            yield "begun by the workflow that runs now" if running else "interrupted: its files are half-done"
    elif attempt.status == "FAILED":
        yield f"failed at {clock(attempt.end)}; {job.log} says why"
    else:
        found = checkpoint(attempt, states) if attempt.asked(json.loads(job.entry)) else None
        yield f"killed after {clock(attempt.end)}; " + (f"goes on at {found}" if found else "begins anew")


def _differences(job: Job) -> list[str]:
    """What differs between the entry of the last run and the one of now."""
    if not job.old:
        return []
    (then, before), (text, now) = (
        next(((t, e) for t in side if (e := _entry(t)) is not None), ("", None))
        for side in (job.old, job.new)
    )
    if before is None or now is None:
        if len(job.old) == len(job.new) == 1:
            return [_versions(_value(job.old[0]), _value(job.new[0]))]
        return ["its params changed"]
    if before == now and then != text:
        return ["the order of names in the params file changed"]
    found = dict(compare(before, now))
    # The report's entry has all of the params file beside what it reads of it.
    told = [text for p, text in found.items() if not (p.startswith("params.") and p[7:] in found)]
    return told[:MOST] + ([f"and {len(told) - MOST} more differences"] if len(told) > MOST else [])


def compare(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each difference of two entries.

    >>> list(compare({"finetune": {"batch_size": 32}}, {"finetune": {"batch_size": 64}}))
    [('finetune.batch_size', 'finetune.batch_size 32 → 64')]
    """
    if before == now:
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            below = f"{path}.{key}" if path else key
            if key not in now:
                yield below, f"{below} was {_text(before[key])}, and is left out now"
            elif key not in before:
                yield below, f"{below} is new: {_text(now[key])}"
            else:
                yield from compare(before[key], now[key], below)
    elif _same_components(before, now):
        for place, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from compare(one, other, f"{path}[{place}]")
    elif path == "code":
        yield path, "the code that it runs changed"
    elif path == "data":
        yield path, _versions(before, now)
    else:
        yield path, f"{path} {_text(before)} → {_text(now)}"


def _same_components(before: Any, now: Any) -> bool:
    """Whether both are lists of as many components, which are compared one by one."""
    both = isinstance(before, list) and isinstance(now, list) and len(before) == len(now)
    return both and all(isinstance(item, dict) for item in [*before, *now])


def _entry(text: str) -> dict[str, Any] | None:
    """The entry in one of Snakemake's params, or None for another kind of param."""
    value = _value(text)
    try:
        entry = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _versions(before: Any, now: Any) -> str:
    """Which versions are no more, and which are new: hashes, or NAME:HASH of several data sets."""
    then, after = str(before).split(), str(now).split()
    gone, new = (
        ", ".join(_short(version) for version in some if version not in other)
        for some, other in ((then, after), (after, then))
    )
    if not gone and not new:
        return "the order of data sets changed"
    return f"data version changed: {gone or 'none'} → {new or 'none'}"


def _short(version: str) -> str:
    """The first digits of a hash, behind the data set's name where there is one."""
    name, _, digits = version.rpartition(":")
    return f"{name} {digits[:8]}".lstrip()


def _some(files: tuple[str, ...]) -> str:
    return files[0] + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _upstream(job: Job) -> str:
    """The jobs that it follows from, without seeds: `pretrain mmssl, tune mmssl all`; many by rule alone."""
    named = [" ".join([rule, *(n for n in names if not n.startswith("seed"))]) for rule, names in job.follows]
    single = list(dict.fromkeys(named))
    return ", ".join(single if len(single) <= 3 else dict.fromkeys(rule for rule, _ in job.follows))
