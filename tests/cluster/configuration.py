"""The configuration of the private cluster of slurm.py.

Source: slurm.conf(5), gres.conf(5), slurmdbd.conf(5) of SLURM 22.05.
"""

import socket
from pathlib import Path

PORT = 16817

SLURM = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
StateSaveLocation={folder}/slurmctld
SlurmdSpoolDir={folder}/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
SlurmdTimeout=20
ReturnToService=2
GresTypes=gpu
KillWait=5
MinJobAge=1800
JobRequeue=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
{accounting}
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=60 State=UP
PartitionName=gpu Nodes=ALL MaxTime=120 State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory_mb} "
    "Gres=gpu:toy:2 State=UNKNOWN"
)
# SLURM wants a device file for each GPU; it only looks whether it is one.
GRES = "Name=gpu Type=toy File=/dev/null\nName=gpu Type=toy File=/dev/zero\n"
WITHOUT_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
WITH_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"""
SLURMDBD = """\
DbdHost=localhost
DbdPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser=root
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
DATABASE = """\
CREATE DATABASE slurm;
CREATE USER slurm@localhost IDENTIFIED BY 'slurm';
GRANT ALL ON slurm.* TO slurm@localhost"""


def files(
    folder: Path, nodes: tuple[str, ...], *, cpus: int, memory_mb: int, accounting: bool
) -> dict[str, str]:
    """What goes into /etc/slurm, by file name, for a cluster whose state is in `folder`."""
    place = {"folder": folder, "host": socket.gethostname().split(".")[0], "port": PORT}
    lines = [
        NODE.format(name=name, host=place["host"], port=PORT + 10 + i, cpus=cpus, memory_mb=memory_mb)
        for i, name in enumerate(nodes)
    ]
    database = {"folder": folder, "port": PORT + 2}
    kind = WITH_ACCOUNTING.format(**database) if accounting else WITHOUT_ACCOUNTING
    made = {"slurm.conf": SLURM.format(**place, nodes="\n".join(lines), accounting=kind), "gres.conf": GRES}
    return made | ({"slurmdbd.conf": SLURMDBD.format(**database)} if accounting else {})
