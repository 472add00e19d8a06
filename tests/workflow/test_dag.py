"""The real DAG on a tiny study: what runs, what runs again, what is said."""

import os
import re
import subprocess
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parents[2]
SEEDS = (0, 1)
MMSSL = {
    *(f"pretrain mmssl {seed}" for seed in SEEDS),
    *(f"knowledge mmssl {seed}" for seed in SEEDS),
    "tune mmssl awgn_k8 all",
    *(f"{stage} mmssl awgn_k8 all {seed}" for stage in ("finetune", "evaluate") for seed in SEEDS),
}
SUPERVISED = {job.replace("mmssl", "supervised") for job in MMSSL if job.startswith(("tune", "fine", "eval"))}
CALIBRATION = {"calibration awgn_k8"}
RANDOM = {f"knowledge random {seed}" for seed in SEEDS}
ALL = MMSSL | SUPERVISED | RANDOM | CALIBRATION | {"fetch", "prepare", "report"}


def test_the_first_run_makes_everything(finished):
    results = finished.root / "results/tiny"
    said = (finished.root / "first.log").read_text()
    assert f"{len(ALL) + 1} of {len(ALL) + 1} steps (100%) done" in said
    assert said.index("study tiny, report main: data tiny 32×24, version") < said.index("Job stats:")
    sweep = pd.read_csv(results / "evaluate/mmssl/awgn_k8/all/seed1/sweep.csv")
    assert set(sweep.snr_db) == {0, 10}
    assert set(sweep.budget_epochs) == {1, 2}
    assert (results / "report/main/report.md").exists()
    logs = {
        path.relative_to(finished.root / "logs").as_posix()
        for path in (finished.root / "logs").rglob("*.log")
    }
    assert len(logs) == len(ALL)


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake("--cores", "2")


def test_other_core_counts_run_nothing_again(finished):
    assert finished.planned("--cores", "1") == finished.planned("--cores", "7") == set()


def test_new_time_stamps_run_nothing_again(finished):
    for path in finished.root.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    assert finished.planned() == set()


def test_large_inputs_are_compared_by_content_too():
    limit = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())["max-checksum-file-size"]
    assert limit.endswith("GB")
    assert int(limit.removesuffix("GB")) >= 10


def test_commits_and_checkouts_run_nothing_again(copied):
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
        subprocess.run(command, cwd=copied.root, check=True, capture_output=True)

    git("init", "--initial-branch=one")
    git("add", "Snakefile", "workflow", "params", "src", "profiles")
    git("commit", "-m", "one")
    git("checkout", "-b", "two")
    for path in (*(copied.root / "src").rglob("*.py"), *(copied.root / "workflow").rglob("*.smk")):
        path.write_text("# Another branch.\n" + path.read_text())
    git("commit", "-a", "-m", "two")
    assert copied.planned() == set()
    git("checkout", "one")
    assert copied.planned() == set()


def test_comments_and_new_members_of_a_family_run_nothing_again(finished):
    with (
        finished.edited("src/semcom/losses/mmssl.py", "import torch", "# A comment.\nimport torch"),
        finished.edited("src/semcom/losses/new.py", "", "class New:\n    def __init__(self) -> None: ..."),
        finished.edited("src/semcom/losses/__init__.py", "= {", '= {"new": "semcom.losses.new:New",'),
    ):
        assert finished.planned() == set()


def test_a_mended_loss_runs_its_method_again(finished):
    with finished.edited("src/semcom/losses/mmssl.py", "import torch", "import torch\n\nX = 1"):
        assert finished.planned() == MMSSL | {"report"}


def test_a_pretrain_entry_runs_its_method_again(finished):
    def change(config):
        config["methods"]["mmssl"]["pretrain"]["epochs"] = 3

    with finished.with_params(change):
        assert finished.planned() == MMSSL | {"report"}


def test_a_fine_tuning_rate_runs_no_pretraining_again(finished):
    def change(config):
        config["tune"]["optimisers"][0]["lr"] = 2e-3

    with finished.with_params(change):
        again = {job for job in MMSSL | SUPERVISED if not job.startswith(("pretrain", "knowledge"))}
        assert finished.planned() == again | {"report"}


def test_a_longer_sweep_runs_evaluation_again(finished):
    def change(config):
        config["evaluate"]["snr_db"].append(20)

    with finished.with_params(change):
        assert finished.planned() == {job for job in ALL if job.startswith(("evaluate", "report"))}


def test_conditions_run_their_own_jobs_and_no_sweep(finished):
    def change(config):
        config["methods"]["supervised"]["modalities"] = ["rgb"]
        config["evaluate"]["conditions"] = {"rgb_lost": {"lost": ["rgb"]}}

    with finished.with_params(change):
        new = {f"conditions mmssl awgn_k8 all {seed}" for seed in SEEDS}
        assert finished.planned() == new | SUPERVISED | {"report"}


DIGITAL = {"link": "awgn_k8", "schemes": ["qpsk_uncoded"]}


def digital_jobs(*methods: str, name: str = "pq") -> set[str]:
    return {f"digital {method} {name} all {seed}" for method in methods for seed in SEEDS}


def test_a_digital_link_runs_its_own_jobs_and_measures_its_table(finished):
    def change(config):
        config["digital"] = {"pq": DIGITAL}

    with finished.with_params(change):
        new = digital_jobs("mmssl", "supervised") | {"error_table qpsk_uncoded_8_awgn", "report"}
        assert finished.planned() == new


def test_digital_links_share_a_table_and_budget_0_is_of_pretrained_methods(finished):
    def change(config):
        config["digital"] = {"pq": DIGITAL | {"budgets": [0]}, "other": DIGITAL | {"methods": ["supervised"]}}

    with finished.with_params(change):
        assert finished.planned() == digital_jobs("mmssl") | digital_jobs("supervised", name="other") | {
            "error_table qpsk_uncoded_8_awgn",
            "report",
        }


def test_what_was_learnt_is_measured_where_it_is_asked_for(copied):
    def ask(config):
        config["learnt"] = {}

    def keep(config):
        ask(config)
        config["methods"]["mmssl"]["pretrain"]["snapshots"] = [0]

    new = {*(f"learnt mmssl {seed}" for seed in SEEDS), "report"}
    with copied.with_params(ask):
        assert copied.planned() == new
        copied.snakemake("--cores", "2")
        report = copied.root / "results/tiny/report/main"
        assert "## What was learnt" in (report / "report.md").read_text()
        assert (report / "learnt.png").exists()
        table = pd.read_csv(report / "learnt.csv", comment="#")
        assert set(table.epoch) == {2}, "the last epoch is there without asking"
        assert set(table.block) == {"features", "embedding", "shared", "unique"}
        assert copied.planned() == set()
    assert copied.planned() == {"report"}
    with copied.with_params(keep):
        assert copied.planned() == {*MMSSL, *new}


def test_every_job_has_a_journal_and_a_log_of_its_own(finished):
    """Also where names joined by `_` would be one: m + x_k and m_x + k."""

    def change(config):
        methods, links = config["methods"], config["links"]
        config["methods"] = {"m": methods["mmssl"], "m_x": methods["mmssl"]}
        config["links"] = {"x_k": links["awgn_k8"], "k": links["awgn_k8"]}
        config["digital"] = {"x_d": DIGITAL | {"link": "k"}, "d": DIGITAL | {"link": "k"}}
        config["labels"] = {"all": 1.0, "x_d_all": 0.5}

    with finished.with_params(change):
        text = finished.snakemake("-n", "--printshellcmds")
    for option, least in (("journal", 50), ("log", 60)):
        files = re.findall(rf"--{option} (\S+)", text)
        assert len(files) > least
        assert sorted(files) == sorted(set(files))


OBJECTS = {"channel": {"use": "awgn"}, "channel_uses": 8, "task": "objects"}


def test_a_link_of_another_task_is_tuned_by_itself(finished):
    def change(config):
        config["links"] |= {"things_k8": OBJECTS, "things_k4": OBJECTS | {"channel_uses": 4}}

    with finished.with_params(change):
        new = {f"tune {m} things_k8 all" for m in ("mmssl", "supervised")}
        for link in ("things_k8", "things_k4"):
            new |= {f"calibration {link}"}
            for stage in ("finetune", "evaluate"):
                new |= {f"{stage} {m} {link} all {s}" for m in ("mmssl", "supervised") for s in SEEDS}
        assert finished.planned() == new | {"report"}


def test_object_presence_runs_from_its_link_to_its_report(copied):
    def change(config):
        config["report"] = "things"
        config["methods"] = {"supervised": config["methods"]["supervised"]}
        config["links"]["things_k8"] = OBJECTS

    with copied.with_params(change):
        copied.snakemake("--cores", "2")
        assert copied.planned() == set()
    results = copied.root / "results/tiny"
    summary = pd.read_csv(results / "report/things/summary.csv", comment="#")
    assert summary.groupby("link").metric.unique().map(list).to_dict() == {
        "awgn_k8": ["accuracy"], "things_k8": ["map"],
    }  # fmt: skip
    page = (results / "report/things/report.md").read_text()
    assert "**Test mean average precision in %, things_k8, labels all, at 10 dB**" in page


def test_a_data_set_without_objects_is_refused_before_anything_runs(finished):
    def change(config):
        config["links"]["things_k8"] = OBJECTS

    with (
        finished.with_params(change),
        finished.edited("data/tiny/dataset.json", '"objects": "objects40.csv"', '"objects": null'),
    ):
        said = " ".join(refused(finished))
    assert "links.things_k8.task: objects needs the objects of each frame" in said
    assert "which the data set tiny does not tell; add it with them" in said


def test_a_digital_link_beside_another_task_is_refused(finished):
    def change(config):
        config["links"]["things_k8"] = OBJECTS
        config["digital"] = {"pq": DIGITAL | {"link": "things_k8"}}

    with finished.with_params(change):
        said = " ".join(refused(finished))
    assert "digital.pq.link: things_k8 has the task objects; digital links know scene only" in said


def test_tracking_runs_nothing_again(finished):
    def change(config):
        config["tracking"] = {"enabled": True, "uri": "http://127.0.0.1:9"}

    with finished.with_params(change):
        assert finished.planned() == set()


def test_another_report_of_the_study_shares_its_jobs(finished):
    def change(config):
        config["report"] = "second"
        config["methods"] = {"supervised": config["methods"]["supervised"]}

    with finished.with_params(change):
        assert finished.planned() == {"report"}


def test_another_version_of_the_data_runs_all_and_the_old_one_again_nothing(copied):
    copied.new_data(1)
    assert copied.planned() == ALL - CALIBRATION
    copied.new_data(0)
    assert copied.planned() == set()


def refused(site, *options: str) -> list[str]:
    """The lines that a plain `snakemake -n` says on refusing to start."""
    lines = site.snakemake("-n", *options, code=1).splitlines()
    assert not any("Traceback" in line or "site-packages" in line for line in lines)
    assert not any("Job stats" in line for line in lines)
    return lines


def test_a_typo_is_one_message(finished):
    lines = refused(finished, "--config", "seed=[1]", "budgets=[0]")
    assert "2 faults in the params:" in lines
    assert "  budgets[0]: '0' is not a whole number ≥ 1" in lines
    (line,) = [line for line in lines if line.startswith("  seed: no such key")]
    assert "did you mean 'seeds'?" in line


def test_the_command_line_adds_to_the_params(finished):
    assert finished.planned("--config", "study=tiny", "seeds=[0,1]") == set()


def test_a_data_set_that_is_not_registered(finished):
    (line,) = [line for line in refused(finished, "--config", "data=tinny") if "tinny" in line]
    assert "did you mean 'tiny'?" in line


def test_results_that_cannot_be_written(copied):
    (copied.root / "results").rename(copied.root / "kept")
    (copied.root / "results").write_text("")
    output = copied.snakemake("--cores", "1", code=1)
    assert "results go to results/, but results is a file; move it out of the way" in output
    assert "Traceback" not in output


def test_a_folder_of_error_tables_that_cannot_be_written(copied):
    def change(config):
        config["digital"] = {"pq": DIGITAL}

    (copied.root / "results/data/links").write_text("")  # stands for one without permissions: root has all
    with copied.with_params(change):
        output = copied.snakemake("--cores", "1", code=1)
    assert "results go to results/data/links/, but results/data/links is a file" in output
    assert "Traceback" not in output
    assert "Nothing to be done" in copied.snakemake("--cores", "1")


def test_no_rule_retries_runs_python_inside_or_opens_params():
    for path in (ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")):
        text = path.read_text()
        assert not re.search(r"^\s*(retries|run|script|cache):", text, re.MULTILINE), path
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60


def test_the_default_profile_does_not_bind_a_cluster():
    # Snakemake reads profiles/default on top of any other profile, and it wins.
    keys = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text()).keys()
    assert not keys & {"executor", "cores", "jobs", "retries", "default-resources", "set-resources"}


def test_a_gpu_job_asks_for_one_gpu(finished):
    def change(config):
        config["compute"] = {"device": "cuda", "threads": 2}

    with finished.with_params(change):
        text = finished.snakemake("-n", "--cores", "4")
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", text, re.MULTILINE)
    trains = [
        block for rule, block in jobs if rule in ("pretrain", "tune", "finetune", "evaluate", "knowledge")
    ]
    assert trains
    for block in trains:
        assert "gpu=1" in block
        assert "threads: 2" in block
