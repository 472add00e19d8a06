"""Parsers, against what a real SLURM 22.05 printed, and what the manual says of other versions."""

from pathlib import Path

import pytest

from semcom.cluster import jobs, texts

CONFIG = """\
Configuration data as of 2026-11-25T20:31:23
AccountingStorageType   = accounting_storage/none
AuthInfo                = socket=/run/munge/socket
ClusterName             = tests
MinJobAge               = 300 sec
SLURM_VERSION           = 22.05.8
"""
PARTITIONS = (
    "PartitionName=cpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A "
    "DefaultTime=NONE Hidden=NO MaxNodes=UNLIMITED MaxTime=01:00:00 MinNodes=0 Nodes=n[1-2] PriorityTier=1 "
    "State=UP TotalCPUs=8 TotalNodes=2 DefMemPerNode=UNLIMITED TRES=cpu=8,mem=16000M,node=2,billing=8\n"
    "PartitionName=gpu AllowGroups=ALL AllowAccounts=lab,chair Default=NO MaxTime=UNLIMITED Nodes=n[1-2] "
    "State=DOWN TotalCPUs=8 TotalNodes=2\n"
)
SINFO = "cpu|1|drained|4|8000|gpu:toy:2\ncpu|1|idle|4|8000+|gpu:toy:2\ngpu|2|mixed~|4+|8000|(null)\n"
SQUEUE = (
    "1\x1fRUNNING\x1fsemcom_18c397bb\x1fn1\x1fNone\x1frule_tune_wildcards_a|b\x1f/home/köln x\n"
    "2\x1fPENDING\x1fsemcom_18c397bb\x1f\x1fPriority\x1f(null)\x1f/home/köln x\n"
    "3\x1fRUNNING\x1fsemcom_7\x1fn2\x1fNone\x1frule_tune\x1f/home/other\n"
    "4\x1fRUNNING\x1fbash\x1fn2\x1fNone\x1f(null)\x1f/home/köln x\n"
    "5\x1fPENDING\x1fsemcom-whole\x1f\x1fBeginTime\x1f(null)\x1f/home/köln x\n"
    "6\x1fRUNNING\x1fsemcom-doctor-abc\x1fn2\x1fNone\x1f(null)\x1f/home/köln x\n"
    "squeue: something else\n"
)


@pytest.mark.parametrize(
    ("text", "number"),
    [("slurm-wlm 22.05.8\n", (22, 5, 8)), ("slurm 23.11.10-1", (23, 11, 10)), ("24.05", (24, 5)), ("", ())],
)
def test_versions_compare_as_numbers(text, number):
    assert texts.version(text) == number


def test_settings_keep_what_stands_behind_the_first_sign():
    settings = texts.settings(CONFIG)
    assert settings["AuthInfo"] == "socket=/run/munge/socket"
    assert texts.seconds(settings["MinJobAge"]) == 300
    assert len(settings) == 5


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        ("01:00:00", 60),
        ("1-00:00:00", 1440),
        ("2-12", 3600),
        ("2-12:30", 3630),
        ("30:00", 30),
        ("45", 45),
        ("UNLIMITED", None),
        ("n/a", None),
    ],
)
def test_times_are_read_as_the_manual_writes_them(value, minutes):
    assert texts.minutes(value) == minutes


@pytest.mark.parametrize(
    ("gres", "counts"),
    [
        ("gpu:toy:2", (("toy", 2),)),
        ("gpu:2", (("", 2),)),
        ("gpu", (("", 1),)),
        ("gpu:3090:4(S:0-1),nvme:1", (("3090", 4),)),
        ("gpu:a100:4(S:0-1),gpu:a100_3g.20gb:2(S:1)", (("a100", 4), ("a100_3g.20gb", 2))),
        ("(null)", ()),
        ("gpumem:80G", ()),
    ],
)
def test_gpus_of_a_node(gres, counts):
    assert texts.gpus(gres) == counts


def test_partitions_know_which_nodes_take_jobs():
    cpu, gpu = texts.partitions(PARTITIONS, texts.nodes(SINFO))
    assert (cpu.name, cpu.default, cpu.up, cpu.minutes, cpu.accounts) == ("cpu", True, True, 60, None)
    assert [node.state for node in cpu.usable] == ["idle"]
    assert cpu.gpu_types == ("toy",)
    assert cpu.memory_mb == 8000
    assert (gpu.up, gpu.minutes, gpu.accounts) == (False, None, ("lab", "chair"))
    assert len(gpu.usable) == 1  # switched off to save power, on again at need
    assert not gpu.has_gpus


def test_a_node_that_does_not_respond_is_not_usable():
    (node,) = texts.nodes("cpu|1|idle*|4|8000|(null)")
    assert not node.usable


def test_accounts_and_their_qos():
    assert texts.associations("lab||normal,high|\nroot|gpu|normal|\n") == [
        ("lab", "", ("normal", "high")),
        ("root", "gpu", ("normal",)),
    ]


def test_only_jobs_of_this_checkout_are_ours(monkeypatch, tmp_path):
    found = jobs.parse(SQUEUE)
    assert len(found) == 6
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    ours = jobs.ours(found, Path("/home/köln x"))
    assert [job.id for job in ours] == ["1", "2", "5"]
    assert [job.whole for job in ours] == [False, False, True]
    assert str(ours[0]) == "1 rule_tune_wildcards_a|b (RUNNING, n1)"
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    assert [job.id for job in jobs.ours(found, Path("/home/köln x"))] == ["1", "2"]


def test_a_checkout_is_known_by_another_name_too(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    job = jobs.Job("1", "RUNNING", "semcom_1", "n1", "None", "", str(tmp_path / "real"))
    assert jobs.ours([job], tmp_path / "link") == [job]
    assert jobs.ours([job], tmp_path) == []
