"""From what test jobs saw on a node to findings. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

from semcom.cluster.findings import Finding
from semcom.cluster.probe import Probe

SLOW_IMPORT_S, SKEW_S, FREE_GB = 30.0, 2.0, 1.0


def ended_badly(probe: Probe) -> str:
    """Why the test job saw nothing."""
    if probe.refused:
        return f"sbatch refuses it: {probe.refused}"
    if probe.state in ("PENDING", "CONFIGURING"):
        return f"job {probe.id} still waits ({probe.reason})"
    if probe.state == "RUNNING":
        return f"job {probe.id} runs, but has not said anything yet"
    return f"job {probe.id} ended {probe.state or 'unseen'} ({probe.said or 'without a word'})"


def unseen(probe: Probe) -> Finding:
    """The first test job did not come to look around."""
    text = f"the test job did not run: {ended_badly(probe)}"
    if "account" in probe.refused.lower():
        return Finding("BLOCK", "node", text, "name your account: --account NAME (ask who runs the cluster)")
    if probe.refused:
        return Finding("BLOCK", "node", text, "name a partition that takes your jobs: --partition NAME")
    if probe.state == "RUNNING":
        return Finding(
            "BLOCK", "node", text, "wait longer (--patience 900): importing PyTorch may take minutes"
        )
    if probe.state in ("PENDING", "CONFIGURING"):
        return Finding("BLOCK", "node", text, "wait longer (--patience 3600), or name an idler --partition")
    if probe.said:
        return Finding("BLOCK", "node", text, "put checkout and environment where the nodes see them too")
    return Finding(
        "BLOCK", "node", text, "the nodes may not see this folder: put the checkout on a shared file system"
    )


def of_node(seen: Mapping[str, Any], here: Mapping[str, Any], latency_wait_s: float) -> list[Finding]:
    """What the first test job saw on its node.

    Args:
        seen: by the test job (`semcom.cluster.node`).
        here: `host`, `python` and `versions` of the login node.
        latency_wait_s: how long the profile waits for a file to appear.
    """
    same = " (this machine itself)" if seen["host"] == here["host"] else ""
    return [
        Finding("ok", "node", f"a test job ran on {seen['node']}{same}, with {seen['cores']} CPUs to use"),
        _shared(seen["rounds"], latency_wait_s),
        _flock(seen["lock"]),
        _clock(seen["rounds"]),
        _python(seen, here),
        *_imports(seen["imports"]),
        _temporary(*seen["temporary"]),
    ]


def _shared(rounds: Sequence[Mapping[str, float] | None], latency_wait_s: float) -> Finding:
    done = [r["there_and_back_s"] for r in rounds if r]
    if len(done) < len(rounds) or not done:
        return Finding(
            "BLOCK",
            "shared files",
            "a file of the node is not seen here, or not the other way round",
            "put the checkout on a file system that login node and nodes share",
        )
    text = f"a file goes there and back in {max(done):.2f} s at most ({len(done)} times)"
    if max(done) > latency_wait_s:
        return Finding(
            "warn", "shared files", text, f"set `latency-wait: {int(2 * max(done)) + 1}` in the profile"
        )
    return Finding("ok", "shared files", f"{text}; the profile waits {latency_wait_s:.0f} s")


def _flock(state: str) -> Finding:
    if state == "held":
        return Finding("ok", "flock", "a lock taken here is seen on the node")
    text = "the node could take a lock that is held here" if state == "free" else f"on the node it {state}"
    return Finding(
        "BLOCK",
        "flock",
        f"{text}: nothing would keep two jobs from one training state",
        "ask for locks on this file system (Lustre: option flock; NFS: local_lock=none), or use another",
    )


def _clock(rounds: Sequence[Mapping[str, float] | None]) -> Finding:
    done = [r for r in rounds if r]
    if not done:
        return Finding("warn", "clocks", "not compared", "mend the shared files first")
    best = min(done, key=lambda r: r["there_and_back_s"])
    ahead, known_to = best["ahead_s"], best["there_and_back_s"] / 2
    text = f"the node's is {ahead:+.2f} s from this one (known to {known_to:.2f} s)"
    if abs(ahead) - known_to > SKEW_S:
        return Finding(
            "warn",
            "clocks",
            text,
            "ask for time synchronisation (chrony): outputs could look older than their inputs",
        )
    return Finding("ok", "clocks", text)


def _python(seen: Mapping[str, Any], here: Mapping[str, Any]) -> Finding:
    listed = ", ".join(f"{name} {number}" for name, number in seen["versions"].items())
    text = f"{seen['python']} at {seen['executable']}; {listed}"
    if seen["python"] == here["python"] and seen["versions"] == here["versions"]:
        return Finding("ok", "Python", f"{text}; the same as here")
    other = [f"{n} {v}" for n, v in here["versions"].items() if seen["versions"].get(n) != v]
    return Finding(
        "BLOCK",
        "Python",
        f"{text}; here it is {here['python']}" + "".join(f", {o}" for o in other),
        "make the environment on the shared file system (make setup), and start semcom from it",
    )


def _imports(took: Mapping[str, str]) -> list[Finding]:
    found = []
    for name, said in took.items():
        if said.startswith("fails"):
            remedy = f"make the import work on the node: srun python -c 'import {name}'"
            found.append(Finding("BLOCK", f"import {name}", said, remedy))
        elif float(said) > SLOW_IMPORT_S:
            remedy = "put the environment on a faster file system: each job imports it anew"
            found.append(Finding("warn", f"import {name}", f"took {said} s", remedy))
    listed = ", ".join(f"{name} {said} s" for name, said in took.items() if not said.startswith("fails"))
    return found or [Finding("ok", "imports", listed)]


def _temporary(folder: str, free: int) -> Finding:
    text = f"{free / 1e9:.0f} GB free in {folder} of the node"
    if free / 1e9 < FREE_GB:
        return Finding("warn", "temporary", text, "set TMPDIR to a larger place before you start Snakemake")
    return Finding("ok", "temporary", text)


def of_gpu(probe: Probe) -> Finding:
    """What came of asking for a GPU in one style, the first of the probe's options."""
    style = probe.options[0]
    if probe.seen is None:
        return Finding("warn", style, ended_badly(probe), "use the other style if that one works")
    seen, host = probe.seen["gpus"], probe.seen["node"]
    device = seen.get("CUDA_VISIBLE_DEVICES") or seen.get("ROCR_VISIBLE_DEVICES")
    if not device:
        text = f"the job ran on {host}, but was given no GPU"
        return Finding("warn", style, text, "use the other style, or ask for GPUs in gres.conf")
    text = f"gives GPU {device} on {host}"
    if not seen.get("torch sees"):
        return Finding(
            "warn",
            style,
            f"{text}; PyTorch sees none",
            "for `compute: {device: cuda}` the environment needs a CUDA build of torch and the node a driver",
        )
    return Finding("ok", style, f"{text}; PyTorch computes on it: {seen.get('name', '?')}")
