"""What SLURM's programs print, taken apart. Pure functions. Source: SLURM's manual pages."""

import re
from dataclasses import dataclass

USABLE = ("idle", "mixed", "allocated", "completing", "reserved", "planned")
"""Node states in which a job runs, now or as soon as others have ended."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of one kind in one partition and one state.

    Attributes:
        state: such as `idle` or `drained`.
        cpus: of each node (of the smallest, if they differ).
        memory_mb: likewise.
        gpus: of each node, by type; "" is the name of a type without name.
    """

    partition: str
    count: int
    state: str
    cpus: int
    memory_mb: int
    gpus: tuple[tuple[str, int], ...]

    @property
    def usable(self) -> bool:
        """Whether jobs run there, but for those that do not respond (`idle*`); `idle~` is woken at need."""
        return self.state.rstrip("~#@^%$!") in USABLE


@dataclass(frozen=True)
class Partition:
    """A queue.

    Attributes:
        minutes: longest run time of a job; None if unlimited.
        accounts: those that may use it; None for all.
    """

    name: str
    default: bool
    up: bool
    minutes: int | None
    accounts: tuple[str, ...] | None
    nodes: tuple[Nodes, ...]

    @property
    def usable(self) -> tuple[Nodes, ...]:
        """Its nodes that take jobs."""
        return tuple(n for n in self.nodes if n.usable)

    @property
    def gpu_types(self) -> tuple[str, ...]:
        """Types of the GPUs of usable nodes."""
        return tuple(sorted({name for n in self.usable for name, count in n.gpus if count}))

    @property
    def has_gpus(self) -> bool:
        """Whether a usable node has one."""
        return bool(self.gpu_types)

    @property
    def memory_mb(self) -> int:
        """What the largest usable node has."""
        return max((n.memory_mb for n in self.usable), default=0)


def version(text: str) -> tuple[int, ...]:
    """`slurm-wlm 22.05.8` as (22, 5, 8); () if there is no version in it."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def settings(text: str) -> dict[str, str]:
    """`scontrol show config` as names and values."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def seconds(value: str) -> int | None:
    """`300 sec` or `300` as 300; None if it is no time."""
    found = re.match(r"(\d+)\s*(sec|s|min|m|hours|h)?", value)
    unit = {"m": 60, "h": 3600}.get((found[2] or "s")[0], 1) if found else 1
    return int(found[1]) * unit if found else None


def minutes(value: str) -> int | None:
    """SLURM's times: `1-02:30:00`, `02:30:00`, `30:00`, `30`; None for UNLIMITED and its like."""
    if not (found := re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", value.strip())):
        return None
    days, *rest = (int(part) if part else 0 for part in found.groups())
    if found[1]:
        hours, mins = rest[0], rest[1]
    elif found[4]:
        hours, mins = rest[0], rest[1]
    else:
        hours, mins = 0, rest[0]
    return (days * 24 + hours) * 60 + mins


def gpus(gres: str) -> tuple[tuple[str, int], ...]:
    """`gpu:a100:4(S:0-1),gpu:2,nvme:1` as (("", 2), ("a100", 4)); other resources are left out."""
    counts: dict[str, int] = {}
    for part in re.sub(r"\([^)]*\)", "", gres).split(","):
        if found := re.fullmatch(r"gpu(?::([^:]+?))??(?::(\d+))?", part.strip()):
            counts[found[1] or ""] = counts.get(found[1] or "", 0) + int(found[2] or 1)
    return tuple(sorted(counts.items()))


SINFO = "%R|%D|%T|%c|%m|%G"


def nodes(text: str) -> list[Nodes]:
    """The answer of `sinfo --noheader --format=SINFO`; lines that are none are left out."""
    rows = [line.split("|", 5) for line in text.splitlines()]
    return [
        Nodes(row[0], int(row[1]), row[2], int(row[3].rstrip("+")), int(row[4].rstrip("+")), gpus(row[5]))
        for row in rows
        if len(row) == 6 and row[1].isdigit()
    ]


def partitions(text: str, kinds: list[Nodes]) -> list[Partition]:
    """The answer of `scontrol --oneliner show partition`, with the nodes that sinfo told of."""
    found = []
    for line in text.splitlines():
        if not line.startswith("PartitionName="):
            continue
        said = dict(word.split("=", 1) for word in line.split() if "=" in word)
        name, allowed = said["PartitionName"], said.get("AllowAccounts", "ALL")
        found.append(
            Partition(
                name=name,
                default=said.get("Default") == "YES",
                up=said.get("State") == "UP",
                minutes=minutes(said.get("MaxTime", "UNLIMITED")),
                accounts=None if allowed == "ALL" else tuple(allowed.split(",")),
                nodes=tuple(kind for kind in kinds if kind.partition == name),
            )
        )
    return found


def associations(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Account, partition or "", QoS, from `sacctmgr -nP show assoc … format=account,partition,qos`."""
    rows = [line.split("|") for line in text.splitlines()]
    return [
        (row[0], row[1], tuple(q for q in row[2].split(",") if q)) for row in rows if len(row) >= 3 and row[0]
    ]
