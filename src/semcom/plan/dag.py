"""Snakemake's jobs of a study and what it decides about each, as plain data.

Its own parser reads the options and the profiles, its own code makes the table of jobs and compares it with
what it remembers of earlier runs (`.snakemake/metadata`). The lock is neither taken nor minded, nothing is
written, nothing runs.
"""

import contextlib
import fcntl
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semcom.files.errors import SemcomError

UNNAMED = ("study", "report", "dataset", "size")
"""Wildcards that have one value in a study."""
MAIN = Path(".snakemake/semcom.main")
"""Held by a running workflow's main process, whose host and process id stand in it."""


@dataclass(frozen=True)
class Job:
    """A job of the study, and Snakemake's decision.

    Attributes:
        rule: its rule.
        names: method, link, labels, seed, as far as it has them.
        cached: it would not run.
        remembered: Snakemake knows how its files were made, not their time stamps alone.
        old, new: params that differ between the last run and now, as Python literals.
        entry: what its verb would be handed now, as JSON; empty for a rule without an entry.
        missing: declared outputs that are not there.
        changed: inputs that have changed since.
        half_done: its outputs are marked as those of a job that began and did not end.
        sent: the cluster's number of the job, from a workflow that has not seen its end.
        other_inputs: its set of inputs is another one.
        other_command: its rule's command line is another one.
        follows: rule and names of the jobs it reads from that would run.
        seconds: what it took the last time, with the waiting in a cluster's queue.
        journal: where it writes what it sees, if it does.
        log: its log file.
    """

    rule: str
    names: tuple[str, ...]
    cached: bool
    remembered: bool
    old: tuple[str, ...]
    new: tuple[str, ...]
    entry: str
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    half_done: bool
    sent: str
    other_inputs: bool
    other_command: bool
    follows: tuple[tuple[str, tuple[str, ...]], ...]
    seconds: float | None
    journal: Path | None
    log: str


@dataclass(frozen=True)
class Plan:
    """All jobs, rule by rule, and who works on them now."""

    jobs: tuple[Job, ...]
    holder: str | None
    """Host and process id of a workflow that is running here."""
    locked: bool
    """Snakemake's lock is there."""


def load(options: Sequence[str]) -> Plan:
    """Ask Snakemake.

    Args:
        options: as on Snakemake's command line.

    Raises:
        SemcomError: faults in the params, or whatever keeps Snakemake from making its table of jobs.
    """
    from snakemake.exceptions import CliException, RuleException, WorkflowError
    from snakemake_interface_common.exceptions import ApiError

    try:
        with _workflow(options) as workflow:
            return Plan(
                tuple(_jobs(workflow)), holder(Path.cwd()), any(Path(".snakemake/locks").glob("*.lock"))
            )
    except (WorkflowError, RuleException, CliException, ApiError) as error:
        raise SemcomError(str(error)) from error
    except OSError as error:
        raise SemcomError(f"cannot read {error.filename}: {error.strerror}") from error


def holder(root: Path) -> str | None:
    """Host and process id of the workflow that is running in `root`."""
    with contextlib.suppress(OSError), open(root / MAIN, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().decode().strip() or "just starting"
    return None


@contextlib.contextmanager
def _workflow(options: Sequence[str]) -> Iterator[Any]:
    """Snakemake's workflow with its jobs, as `snakemake -n` makes them, but writing no note of it."""
    from snakemake import api, cli
    from snakemake.settings import types

    with contextlib.redirect_stderr(io.StringIO()):  # which profiles it reads; told only if that fails
        _, given = _parsed(cli, options)
    quiet = types.OutputSettings(
        dryrun=True, quiet={types.Quietness.ALL}, enable_file_logging=False, log_level_override=40
    )
    configuration = types.ConfigSettings(
        config=cli.parse_config(given.config), configfiles=given.configfile, config_args=given.config
    )
    decision = types.DAGSettings(
        targets=given.targets,
        forcerun=given.forcerun,
        forcetargets=given.force,
        forceall=given.forceall,
        force_incomplete=True,
        rerun_triggers=given.rerun_triggers,
        max_checksum_file_size=given.max_checksum_file_size,
    )
    with api.SnakemakeApi(quiet) as snakemake:
        made = snakemake.workflow(
            resource_settings=types.ResourceSettings(cores=given.cores or 1, default_resources=None),
            config_settings=configuration,
            snakefile=given.snakefile,
            workdir=given.directory,
        )
        made.dag(decision)
        workflow = made._workflow
        try:
            workflow._prepare_dag(
                forceall=given.forceall, ignore_incomplete=False, lock_warn_only=False, nolock=True
            )
        except OSError as error:
            reason = f"Snakemake cannot write its folder .snakemake: {error.strerror}; make it writable"
            raise SemcomError(reason) from error
        workflow.persistence.drop_iocache = lambda: (
            None
        )  # a note of the last `snakemake -n`; not ours to remove
        workflow._build_dag()
        yield workflow


def _parsed(cli: Any, options: Sequence[str]) -> Any:
    """Snakemake's parser and what it makes of the options; its complaint as an error of ours."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return cli.parse_args(list(options))
    except SystemExit as end:
        if not end.code:
            raise
        lines = said.getvalue().strip().splitlines() or ["no reason given"]
        raise SemcomError(f"{lines[-1]}; the options are those of snakemake") from end


def _jobs(workflow: Any) -> Iterator[Job]:
    """All jobs but the one that only names the targets, in the order of the rules."""
    order = {rule.name: place for place, rule in enumerate(workflow.rules)}
    for job in sorted(workflow.dag.jobs, key=lambda job: order[job.rule.name]):
        if not job.rule.norun:
            yield _job(workflow, job)


def _job(workflow: Any, job: Any) -> Job:
    reason = workflow.dag.reason(job)
    records = [r for r in map(workflow.persistence.metadata, job.output) if r is not None]
    params = workflow.persistence.params_changed(job)
    missing = tuple(str(file) for file in job.output if not os.path.exists(file))
    # A job that failed has left a record and no files: how long it took says nothing.
    ran = [r.endtime - r.starttime for r in records if r.starttime and r.endtime and not missing]
    found = re.search(r"--journal (\S+)", job.shellcmd or "")
    upstream = [other for other in workflow.dag.dependencies[job] if workflow.dag.needrun(other)]
    return Job(
        rule=job.rule.name,
        names=_names(job),
        cached=not workflow.dag.needrun(job),
        remembered=bool(records),
        old=tuple(sorted(params.only_old)),
        new=tuple(sorted(params.only_new)),
        entry=str(job.params.get("entry", "")),
        missing=missing,
        changed=tuple(sorted(map(str, reason.updated_input - reason.updated_input_run))),
        half_done=bool(reason.forced),
        sent=" ".join(sorted(map(str, workflow.persistence.external_jobids(job)))),
        other_inputs=bool(reason.input_changed),
        other_command=bool(reason.code_changed),
        follows=tuple((other.rule.name, _names(other)) for other in upstream),
        seconds=max(ran) if ran else None,
        journal=Path(found[1]) if found else None,
        log=str(job.log[0]) if job.log else "",
    )


def _names(job: Any) -> tuple[str, ...]:
    values = {name: value for name, value in job.wildcards_dict.items() if name not in UNNAMED}
    return tuple(f"seed{value}" if name == "seed" else value for name, value in values.items())
