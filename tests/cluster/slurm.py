"""A real SLURM cluster on this machine, private and without systemd; it leaves nothing behind.

`python tests/cluster/slurm.py` starts one, to play with, and stops it at Ctrl-C or SIGTERM. The clients and
the jobs find it by /etc/slurm, so a machine has one at a time; what lies there is kept and put back.

Source: slurm.conf(5), gres.conf(5), slurmdbd.conf(5) of SLURM 22.05.
"""

import argparse
import fcntl
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import configuration
import processes
from daemons import MARK, PATH, Daemons

ETC, KEPT = Path("/etc/slurm"), Path("/etc/slurm.kept-by-semcom-tests")
OURS = ETC / "semcom-tests"
LOCK = Path("/tmp/semcom-slurm.lock")
PACKAGES = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "srun": "slurm-client",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server",
}
COLUMNS = {
    "JobID": 20,
    "State": 20,
    "NodeList": 60,
    "tres-alloc": 200,
    "Name": 200,
    "WorkDir": 600,
    "Comment": 300,
    "tres-per-job": 100,
    "tres-per-node": 100,
}


class Job(NamedTuple):
    """A line of squeue; a job that ended stays there for half an hour.

    Attributes:
        tres: what it was given; GPUs among it only where there is accounting.
        folder: its working directory.
        comment: rule and wildcards, from Snakemake's executor.
        gpus, gres: what it asked for by --gpus and by --gres, or N/A.
    """

    id: str
    state: str
    node: str
    tres: str
    name: str
    folder: str
    comment: str
    gpus: str
    gres: str


def missing(*, accounting: bool = False) -> str:
    """Why no cluster can be started here and what to do, or an empty text."""
    tools = [tool for tool in PACKAGES if accounting or tool not in ("slurmdbd", "mariadbd")]
    packages = sorted({PACKAGES[tool] for tool in tools if not shutil.which(tool, path=PATH)})
    if packages:
        return (
            f"SLURM is not installed; as root: apt-get install --no-install-recommends {' '.join(packages)}"
        )
    if os.geteuid() != 0:
        return "the daemons of a SLURM cluster need root, and this user is not root"
    try:
        flags = socket.AI_PASSIVE | socket.AI_ADDRCONFIG
        socket.getaddrinfo(None, 1, socket.AF_INET, socket.SOCK_STREAM, flags=flags)
    except socket.gaierror:
        return "SLURM needs an address besides loopback's: ip address add 10.99.0.1/32 dev lo"
    return ""


@dataclass
class Cluster(Daemons):
    """The cluster while it runs: nodes n1, n2, … each with 2 GPUs of type `toy`."""

    nodes: tuple[str, ...] = ()
    cpus: int = 4
    memory_mb: int = 8000
    accounting: bool = False

    def squeue(self) -> list[Job]:
        """All jobs that the controller remembers, in the order of their numbers."""
        columns = ",".join(f"{name}:{width}" for name, width in COLUMNS.items())
        lines = self.run("squeue", "--noheader", "--states=all", f"--Format={columns}").encode().splitlines()
        ends = [sum(list(COLUMNS.values())[: i + 1]) for i in range(len(COLUMNS))]
        cut = [[line[a:b].decode().strip() for a, b in zip([0, *ends], ends, strict=False)] for line in lines]
        return sorted((Job(*values) for values in cut), key=lambda job: int(job.id))

    def job(self, job: str) -> dict[str, str]:
        """Everything that `scontrol show job` says of a job (values with spaces are cut at the first)."""
        words = self.run("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def cancel(self, job: str) -> None:
        self.run("scancel", job)

    def node_down(self, name: str) -> None:
        """A node fails: daemon and jobs are gone at once; SLURM sees it after SlurmdTimeout (20 to 40 s)."""
        of_node = processes.found(self.folder / name, f"SLURMD_NODENAME={name}")
        processes.kill(of_node & processes.found(self.folder, self.mark))
        self.daemons.pop(name).wait()

    def node_up(self, name: str) -> None:
        """The node is switched on again."""
        self.begin(name, "slurmd", "-D", "-f", str(ETC / "slurm.conf"), "-N", name)

    def stop_controller(self) -> None:
        """slurmctld crashes; running jobs go on, no client is answered."""
        self.crash("slurmctld")

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers."""
        self.begin("slurmctld", "slurmctld", "-D", "-f", str(ETC / "slurm.conf"))
        self.wait("slurmctld answers", lambda: self.succeeds("scontrol", "ping"))

    def restart_controller(self) -> None:
        self.stop_controller()
        self.start_controller()

    def stop_database(self) -> None:
        """slurmdbd crashes: sacct and sacctmgr fail, jobs and squeue go on."""
        self.crash("slurmdbd")

    def start_database(self) -> None:
        """Start slurmdbd and wait until it answers."""
        place = {"MYSQL_UNIX_PORT": str(self.folder / "db.sock"), "SLURM_CONF": str(ETC / "slurmdbd.conf")}
        self.begin("slurmdbd", "slurmdbd", "-D", **place)
        self.wait("slurmdbd answers", lambda: self.succeeds("sacctmgr", "--noheader", "show", "cluster"))

    def configure(self) -> None:
        """Write /etc/slurm; what lies there is moved aside."""
        if ETC.exists():
            ETC.rename(KEPT)
        ETC.mkdir()
        OURS.write_text(str(self.folder))
        files = configuration.files(
            self.folder, self.nodes, cpus=self.cpus, memory_mb=self.memory_mb, accounting=self.accounting
        )
        for name, text in files.items():
            (ETC / name).write_text(text)
            (ETC / name).chmod(0o600 if name == "slurmdbd.conf" else 0o644)

    def start(self) -> None:
        """Start the daemons and wait until every node is idle."""
        (self.folder / "munge").mkdir(mode=0o711)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = {name: f"--{name}-file={self.folder}/munge/{name}" for name in ("key", "pid", "log", "seed")}
        socket_file = f"--socket={self.folder}/munge/socket"
        self.begin("munged", "munged", "--foreground", "--force", socket_file, *files.values())
        self.wait("munge's socket", (self.folder / "munge/socket").exists)
        if self.accounting:
            self._start_accounting()
        self.start_controller()
        for name in self.nodes:
            self.node_up(name)
        states = ("sinfo", "--noheader", "--Node", "--partition=cpu", "--format=%T")
        self.wait("idle nodes", lambda: self.run(*states).split() == ["idle"] * len(self.nodes))

    def _start_accounting(self) -> None:
        data, sock = self.folder / "db", self.folder / "db.sock"
        where = ("--no-defaults", "--user=root", f"--datadir={data}")
        self.run(
            "mariadb-install-db",
            *where,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            timeout=120,
        )
        small = ("--skip-networking", "--innodb-buffer-pool-size=64M")
        self.begin("mariadbd", "mariadbd", *where, f"--socket={sock}", *small)
        client = ("mariadb", "--no-defaults", f"--socket={sock}", "--user=root")
        self.wait("the database", lambda: self.succeeds(*client, "-e", "SELECT 1"))
        self.run(*client, "-e", configuration.DATABASE)
        self.start_database()
        for words in (
            ("cluster", "tests"),
            ("account", "lab", "Description=lab", "Organization=lab"),
            ("user", "root", "Account=lab", "AdminLevel=Admin"),
        ):
            self.run("sacctmgr", "--immediate", "add", *words)


@contextmanager
def cluster(
    *, nodes: int = 2, cpus: int = 4, memory_mb: int = 8000, accounting: bool = False
) -> Iterator[Cluster]:
    """Start a cluster; when the block ends, however it ends, everything of it is gone.

    Waits while another process of this machine has one. What a killed predecessor left is removed first.
    """
    assert not missing(accounting=accounting), missing(accounting=accounting)
    with open(LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        clean()
        folder = Path(tempfile.mkdtemp(prefix="semcom-slurm-"))
        names = tuple(f"n{i + 1}" for i in range(nodes))
        made = Cluster(folder, nodes=names, cpus=cpus, memory_mb=memory_mb, accounting=accounting)
        try:
            made.configure()
            os.environ[MARK] = str(folder)
            made.start()
            yield made
        finally:
            os.environ.pop(MARK, None)
            clean()
            for daemon in made.daemons.values():
                daemon.wait()


def clean() -> None:
    """Stop the cluster that /etc/slurm tells of, remove its files, put back what lay in /etc/slurm."""
    if OURS.exists():
        folder = Path(OURS.read_text())
        while left := processes.found(folder, f"{MARK}={folder}"):
            processes.kill(left)
            time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(ETC)
    if KEPT.exists():
        KEPT.rename(ETC)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=4, help="of each node; more than there are is allowed")
    parser.add_argument("--accounting", action="store_true", help="with slurmdbd and MariaDB, for sacct")
    parser.add_argument("--check", action="store_true", help="only say whether one can be started here")
    given = parser.parse_args()
    if why := missing(accounting=given.accounting):
        sys.exit(why)
    if given.check:
        print("all there")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        suppress(KeyboardInterrupt),
        cluster(nodes=given.nodes, cpus=given.cpus, accounting=given.accounting) as made,
    ):
        print(made.run("sinfo"))
        end = f"Ctrl-C or `kill {os.getpid()}` ends it"
        print(f"squeue, sbatch … work in every shell; logs: {made.folder}; {end}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
