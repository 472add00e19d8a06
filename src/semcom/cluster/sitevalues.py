"""The site values of a profile: what was found, as the lines that a copy of profiles/slurm carries."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from semcom.cluster.probe import Probe
from semcom.cluster.texts import Partition
from semcom.files.atomic import write_text
from semcom.files.errors import SemcomError

TEMPLATE = Path("profiles/slurm/config.yaml")
Values = Mapping[str, str | int | float]


def values(
    *,
    account: str,
    qos: str,
    cpu: Partition | None,
    gpu: Partition | None,
    styles: Sequence[tuple[str, Probe]],
) -> dict[str, str | int | float]:
    """What the profile needs to know of this cluster.

    Args:
        account: to charge, "" for none.
        qos: to ask for, "" for the default.
        cpu: partition of jobs without GPU.
        gpu: partition of jobs with one; None if there is none.
        styles: the probes that asked for a GPU, by the profile's name for their style.
    """
    worked = [style for style, probe in styles if probe.seen and _device(probe)]
    used = [place for place in (cpu, gpu if worked else None) if place]
    longest = min((place.minutes for place in used if place.minutes is not None), default=24 * 60)
    return {
        "account": account,
        "qos": qos,
        "partition": cpu.name if cpu else "",
        "gpu_partition": gpu.name if gpu and worked and gpu != cpu else "",
        "gpu_option": worked[0] if worked else "gpus",
        "gpu_count": 1 if worked else 0,
        "max_hours": longest // 60 if longest >= 60 else longest // 6 / 10,
        "max_mem_mb": min((place.memory_mb for place in used if place.memory_mb), default=64000),
    }


def _device(probe: Probe) -> bool:
    gpus = probe.seen["gpus"] if probe.seen else {}
    return bool(gpus.get("CUDA_VISIBLE_DEVICES") or gpus.get("ROCR_VISIBLE_DEVICES"))


def lines(chosen: Values) -> list[str]:
    """The block as it stands in a profile."""
    return [f"  {name}: {_yaml(value)}" for name, value in chosen.items()]


def _yaml(value: str | int | float) -> str:
    if isinstance(value, (int, float)) or (
        re.fullmatch(r"[A-Za-z][\w-]*", value) and yaml.safe_load(value) == value
    ):
        return str(value)
    return json.dumps(value, ensure_ascii=False)  # JSON's texts are YAML's, too


def filled(template: str, chosen: Values) -> str:
    """The template with these values in place of its own; comments stay.

    Raises:
        SemcomError: it has no line for one of them.
    """
    for name, value in chosen.items():
        found = re.search(rf"^  {name}: (\"[^\"]*\"|[^\s#]+)(?=\s|$)", template, re.MULTILINE)
        if not found:
            raise SemcomError(f"{TEMPLATE} has no line for the site value {name!r}; restore it")
        template = template[: found.start(1)] + _yaml(value) + template[found.end(1) :]
    return template


def ready(root: Path, folder: Path) -> tuple[Path, str]:
    """The profile's file and the text of its template, before anything is asked of the cluster.

    Raises:
        SemcomError: the file is there already, or the template is not.
    """
    target = folder / "config.yaml"
    if target.exists():
        raise SemcomError(f"{target} is there already; remove it, or --write another folder")
    try:
        return target, (root / TEMPLATE).read_text(encoding="utf-8")
    except OSError as error:
        raise SemcomError(
            f"cannot read {TEMPLATE}: {error.strerror}; restore it from the repository"
        ) from error


def write(root: Path, folder: Path, chosen: Values) -> Path:
    """Write `folder`/config.yaml, a copy of profiles/slurm with these values.

    Raises:
        SemcomError: as `ready`.
    """
    target, template = ready(root, folder)
    write_text(target, filled(template, chosen))
    return target


def written(folder: Path, chosen: Values) -> str:
    """What to do with the profile that was written there."""
    text = f"written; go on with: snakemake --profile {folder}"
    if chosen["gpu_count"] and (chosen["gpu_partition"] or chosen["gpu_option"] == "gres"):
        text += (
            "\nfor a study with `compute: {device: cpu}`, such as the quickstart, first set `gpu_count: 0` "
            f"in {folder}/config.yaml: as it is, its jobs go where the GPUs are"
        )
    return text
