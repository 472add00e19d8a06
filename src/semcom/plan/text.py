"""The plan as a page: a line a rule, and below it what would run, jobs of one cause together."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from semcom.plan.causes import causes
from semcom.plan.dag import Job, Plan
from semcom.progress import clock

STATES = Path("results/.state")


def page(plan: Plan, *, states: Path = STATES) -> str:
    """The whole text, without a last line feed."""
    rules = dict.fromkeys(job.rule for job in plan.jobs)
    width = max(map(len, rules), default=0)
    lines = []
    for rule in rules:
        jobs = [job for job in plan.jobs if job.rule == rule]
        cached = sum(job.cached for job in jobs)
        lines.append(f"{rule:{width}}  {cached} of {len(jobs)} cached")
        due = [job for job in jobs if not job.cached]
        told = {job: tuple(causes(job, states=states, running=plan.holder is not None)) for job in due}
        for names, why in _groups(jobs, told):
            if len(jobs) == 1:
                lines += [f"  {text}" for text in why]
            elif len(why) == 1:
                lines.append(f"  {names}: {why[0]}")
            else:
                lines += [f"  {names}:", *(f"    {text}" for text in why)]
    return "\n".join([*lines, "", *_summary(plan)])


def _groups(jobs: Sequence[Job], told: dict[Job, tuple[str, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names and causes, one for jobs that differ in the seed alone; `all` for a whole rule."""
    if len(told) == len(jobs) and len(set(told.values())) == 1:
        yield "all", next(iter(told.values()))
        return
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for job, why in told.items():
        fixed = tuple(name for name in job.names if not name.startswith("seed"))
        seeds = [name for name in job.names if name.startswith("seed")]
        groups.setdefault((fixed, why), []).extend(seeds)
    for (fixed, why), seeds in groups.items():
        yield " ".join([*fixed, ", ".join(seeds)]).strip(), why


def _summary(plan: Plan) -> Iterator[str]:
    """How much would run, how long it took the last time, and what to know about the cached rest."""
    due = [job for job in plan.jobs if not job.cached]
    cached = [job for job in plan.jobs if job.cached]
    if due:
        yield f"{len(due)} of {len(plan.jobs)} jobs would run."
        yield from _time(plan.jobs, due)
    else:
        yield f"Nothing to do: all {len(plan.jobs)} jobs are cached."
    if blind := sum(not job.remembered for job in cached):
        yield f"Of {blind} cached jobs Snakemake has no record: it went by their files' time stamps alone."
    if gone := sum(bool(job.missing) for job in cached):
        yield f"Files of {gone} cached jobs are gone, and nothing that is still to be made needs them."
    if plan.holder is not None:
        yield f"A workflow is running here ({plan.holder})."
    elif plan.locked:
        way = "semcom cluster resume OPTIONS" if shutil.which("sbatch") else "snakemake --unlock first"
        yield f"Snakemake's lock is there: one is running, or was killed (then {way})."


def _time(jobs: Sequence[Job], due: Sequence[Job]) -> Iterator[str]:
    """What the jobs took the last time; one without a last time counts as others of its rule and method."""
    known: dict[tuple[str, ...], list[float]] = {}
    for job in jobs:
        if job.seconds is not None:
            known.setdefault((job.rule, *job.names[:1]), []).append(job.seconds)
    own = [job.seconds for job in due if job.seconds is not None]
    like = [known.get((job.rule, *job.names[:1]), []) for job in due if job.seconds is None]
    guessed = [sum(seconds) / len(seconds) for seconds in like if seconds]
    if not own and not guessed:
        return
    text = f"About {clock(sum(own) + sum(guessed))} one after the other, as long as they took the last time"
    if guessed:
        text += f" ({len(guessed)} of them as long as others of their rule and method)"
    if unknown := len(due) - len(own) - len(guessed):
        text += f"; {unknown} more have no time to go by"
    yield text + "."
