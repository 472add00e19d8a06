"""Where a result comes from: commit, machine, versions."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def commit(root: Path | None = None) -> str:
    """The commit, 12 digits; `-dirty` behind it if tracked files differ; `unknown` without git."""
    git = ["git", "-C", str(root or Path.cwd())]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
        status = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True)
    except OSError:
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if status.stdout.strip() else "")


def cpu() -> str:
    """The CPU's name and the vector extensions that change floating-point results."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    lines = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    flags = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & set(fields.get("flags", "").split())
    return " ".join([fields.get("model name", platform.machine()), *sorted(flags)])


def machine() -> dict[str, str]:
    """Python, operating system, CPU type, cores, and the versions of what computes."""
    packages = ("numpy", "torch", "torchvision", "faiss-cpu", "snakemake", "semcom")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu(),
        "cores": str(os.cpu_count()),
        **{name: metadata.version(name) for name in packages},
    }
