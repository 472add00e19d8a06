"""A changing channel in the real DAG: its jobs, what it leaves alone, its report."""

import pandas as pd

SEEDS = (0, 1)
WORLD = {
    "link": "awgn_k8",
    "states": [
        {"channel": {"use": "rayleigh", "csi": "estimated", "pilots": 2}, "snr_db": 5},
        {"channel": {"use": "awgn"}, "snr_db": 0},
    ],
    "budgets": [1],
}
JOBS = {f"changing world {method} {seed}" for method in ("mmssl", "supervised") for seed in SEEDS}


def with_world(config, **more) -> None:
    config["changing"] = {"world": WORLD | more}


def test_it_adds_its_own_jobs_and_only_to_the_report(finished):
    with finished.with_params(with_world):
        assert finished.planned() == JOBS | {"report"}
    with finished.with_params(lambda config: with_world(config, methods=["supervised"])):
        assert finished.planned() == {job for job in JOBS if "supervised" in job} | {"report"}
    with finished.with_params(lambda config: config.update(changing={})):
        assert finished.planned() == set()


def test_a_fault_is_said_before_any_job(finished):
    with finished.with_params(lambda config: with_world(config, budgets=[1, 3])):
        lines = finished.snakemake("-n", code=1).splitlines()
    assert "  changing.world.budgets: 3 is none of the study's budgets, 1, 2, which alone are tuned" in lines
    assert not any("Job stats" in line for line in lines)


def test_a_whole_run(copied):
    with copied.with_params(with_world):
        said = copied.snakemake("--cores", "2")
        assert f"{len(JOBS) + 2} of {len(JOBS) + 2} steps (100%) done" in said
        assert "Nothing to be done" in copied.snakemake("--cores", "2")
    results = copied.root / "results/tiny"
    table = pd.read_csv(results / "changing/world/mmssl/seed1/adapt.csv")
    assert set(table.strategy) == {"none", "own", "head", "encoders", "scratch", "all_states"}
    report = results / "report/main"
    means = pd.read_csv(report / "changing.csv", comment="#")
    assert set(means.method) == {"mmssl", "supervised"}
    assert (means.seeds == 2).all()
    # The link as it is, at a state that the sweep has: 0 dB over the same channel, 2 epochs, the largest.
    sweep = pd.read_csv(results / "evaluate/mmssl/awgn_k8/all/seed1/sweep.csv")
    there = sweep[(sweep.metric == "accuracy") & (sweep.budget_epochs == 2) & (sweep.snr_db == 0)]
    own = table[(table.strategy == "none") & (table.state == 2) & (table.metric == "test_accuracy")]
    assert abs(own.value.item() - there.value.mean()) < 1e-12
    regain = pd.read_csv(report / "regain.csv", comment="#")
    assert set(regain.state_name) == {"awgn_k8", "rayleigh (csi estimated, pilots 2) 5 dB", "awgn 0 dB"}
    assert (report / "changing_world.png").exists()
    page = (report / "report.md").read_text()
    assert "## A changing channel: world" in page
    assert (copied.root / "logs/tiny/changing/world/supervised/seed0.log").exists()
    assert (results / "journal/changing/world/supervised/seed0.jsonl").exists()
