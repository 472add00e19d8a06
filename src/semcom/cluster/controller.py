"""What the controller knows: version, accounting, accounts, partitions; and what of it matters to a study."""

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from semcom.cluster import texts
from semcom.cluster.clients import call
from semcom.cluster.findings import Finding
from semcom.files.errors import SemcomError
from semcom.progress import clock

OLDEST = (20, 11)
"""The executor names no oldest version; this is the first with `squeue --me`."""
INTERVALS = ("slurm-init-seconds-before-status-checks", "seconds-between-status-checks")
"""Entries of a profile; the executor's own value for both is INTERVAL_S."""
INTERVAL_S = 40


@dataclass(frozen=True)
class Facts:
    """What was asked; empty where there was no answer."""

    settings: dict[str, str]
    partitions: tuple[texts.Partition, ...]
    accounts: tuple[tuple[str, str, tuple[str, ...]], ...]
    default_account: str


def version() -> Finding:
    """Whether this SLURM is one that the executor has been seen to work with."""
    said = call("sbatch", "--version")
    number = texts.version(said.out)
    if not said.ok or not number:
        return Finding(
            "BLOCK", "version", f"sbatch does not work: {said.fault}", "mend the SLURM installation"
        )
    if number < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return Finding(
            "warn",
            "version",
            f"{said.out.strip()} is older than {wanted}",
            "ask for a newer one; it may work",
        )
    return Finding("ok", "version", said.out.strip())


def ask() -> tuple[Facts, list[Finding]]:
    """Ask the controller; the findings say what it did not answer.

    Raises:
        SemcomError: it does not answer at all.
    """
    config = call("scontrol", "show", "config")
    if not config.ok:
        ping = call("scontrol", "ping")
        state = (ping.out.splitlines() or [ping.fault])[0]
        raise SemcomError(
            f"the SLURM controller does not answer ({config.fault}; {state}); try again later, "
            "or ask who runs it"
        )
    settings = texts.settings(config.out)
    listed = call("scontrol", "--oneliner", "show", "partition")
    kinds = texts.nodes(call("sinfo", "--noheader", f"--format={texts.SINFO}").out)
    user = getpass.getuser()
    accounts = call("sacctmgr", "-nP", "show", "assoc", f"user={user}", "format=account,partition,qos")
    default = call("sacctmgr", "-nP", "show", "user", user, "format=defaultaccount")
    facts = Facts(
        settings=settings,
        partitions=tuple(texts.partitions(listed.out, kinds)),
        accounts=tuple(texts.associations(accounts.out)) if accounts.ok else (),
        default_account=default.out.strip() if default.ok else "",
    )
    cluster = settings.get("ClusterName", "?")
    return facts, [Finding("ok", "controller", f"answers for the cluster {cluster!r}"), _accounting(settings)]


def _accounting(settings: dict[str, str]) -> Finding:
    queue = call("squeue", "--noheader", f"--user={os.getuid()}")
    if not queue.ok:
        remedy = "ask who runs the cluster: Snakemake cannot see its jobs without it"
        return Finding("BLOCK", "accounting", f"squeue fails: {queue.fault}", remedy)
    if not settings.get("AccountingStorageType", "").endswith("slurmdbd"):
        return Finding("ok", "accounting", "no database (sacct does not work); the profile asks squeue")
    said = call("sacct", "-X", "--noheader", "--starttime=now-1hour")
    if said.ok:
        return Finding("ok", "accounting", "sacct works; the profile asks squeue, which also sees `scancel`")
    return Finding(
        "warn",
        "accounting",
        f"sacct fails: {said.fault}",
        "none needed for now: the profile asks squeue; tell who runs it",
    )


def job_age(settings: dict[str, str], interval_s: int) -> Finding:
    """Whether an ended job stays in squeue until Snakemake has asked for it.

    Args:
        settings: of the controller.
        interval_s: between two looks at the queue; the executor wants three of them.
    """
    age, need = texts.seconds(settings.get("MinJobAge", "")), 3 * interval_s
    if age is None or age >= need:
        return Finding("ok", "MinJobAge", f"{age} s; Snakemake asks every {interval_s} s")
    if settings.get("AccountingStorageType", "").endswith("slurmdbd"):
        return Finding(
            "warn",
            "MinJobAge",
            f"{age} s is under {need} s: squeue may forget an ended job unseen, and Snakemake waits for ever",
            "set `slurm-status-command: sacct` in the profile, and do not `scancel` single jobs",
        )
    return Finding(
        "BLOCK",
        "MinJobAge",
        f"{age} s is under {need} s, and no sacct: Snakemake would wait for ever for ended jobs",
        f"ask for MinJobAge={need} in slurm.conf, or run all in one job: `semcom cluster script`",
    )


def accounts(facts: Facts, wanted: str | None) -> tuple[str, list[Finding]]:
    """The account to use, "" for none, and what was found of accounts and QoS."""
    known = sorted({account for account, _, _ in facts.accounts})
    enforced = "associations" in facts.settings.get("AccountingStorageEnforce", "")
    if not known:
        text = "SLURM tells of none" + (" for this user, and wants one" if enforced else "")
        if enforced and not wanted:
            return "", [Finding("BLOCK", "account", text, "ask to be added to an account of the cluster")]
        return wanted or "", [Finding("ok", "account", text + (f"; {wanted} is used" if wanted else ""))]
    if wanted and wanted not in known:
        return wanted, [
            Finding(
                "BLOCK", "account", f"{wanted!r} is none of yours", f"--account, one of: {', '.join(known)}"
            )
        ]
    chosen = wanted or (facts.default_account if facts.default_account in known else known[0])
    qos = sorted({q for account, _, all_qos in facts.accounts if account == chosen for q in all_qos})
    found = [Finding("ok", "account", f"{chosen} is used; yours: {', '.join(known)}")]
    return chosen, [*found, Finding("ok", "QoS", f"of {chosen}: {', '.join(qos) or 'none'}")]


def partition(place: texts.Partition) -> Finding:
    """What a partition offers."""
    limit = "no time limit" if place.minutes is None else f"jobs up to {clock(place.minutes * 60)[:-3]} h"
    kinds = [
        f"{n.count} {n.state} of {n.cpus} CPUs, {n.memory_mb} MB"
        + "".join(f", {count} GPUs{f' ({name})' * bool(name)}" for name, count in n.gpus)
        for n in place.nodes
    ]
    subject = f"partition {place.name}{'*' * place.default}"
    text = f"{limit}; nodes: {'; '.join(kinds) or 'none'}"
    if place.up and place.usable:
        return Finding("ok", subject, text)
    why = "is down or closed" if not place.up else "has no node that takes jobs"
    return Finding("warn", subject, f"{why}; {text}", "`sinfo -R` tells why; use another, or wait")


def choose(facts: Facts, account: str, wanted: str | None, *, gpu: bool) -> texts.Partition | None:
    """The partition for jobs with or without GPU: the wanted one, else one that suits, the default first.

    Raises:
        SemcomError: the wanted one does not exist.
    """
    if wanted:
        named = {place.name: place for place in facts.partitions}
        if wanted not in named:
            raise SemcomError(f"no partition {wanted!r}: choose one of {', '.join(named) or 'none'}")
        return named[wanted]
    suited = [
        place
        for place in facts.partitions
        if place.up and place.usable and (place.has_gpus or not gpu)
        if place.accounts is None or account in place.accounts
    ]
    order = sorted(suited, key=lambda place: (gpu and "gpu" not in place.name.lower(), not place.default))
    return order[0] if order else None


def disk(root: Path, *, need_gb: float = 10.0) -> Finding:
    """Free space and files where results go (a quota is not seen)."""
    at = os.statvfs(root)
    free_gb, inodes = at.f_bavail * at.f_frsize / 1e9, at.f_favail
    text = f"{free_gb:.0f} GB" + (f" and room for {inodes} files" if at.f_files else "") + " where results go"
    if free_gb < need_gb or (at.f_files and inodes < 10_000):
        return Finding("warn", "disk", text, "free some, or make results/ a link to a larger place")
    return Finding("ok", "disk", f"{text} (a quota is not seen here)")
