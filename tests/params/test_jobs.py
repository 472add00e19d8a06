"""Entries hold what a stage reads and nothing else: a change touches the entries of what it concerns."""

import hashlib
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from semcom.params import entries, stagecode
from semcom.params.jobs import Jobs
from semcom.params.reportentry import Claim, ReportEntry
from semcom.params.schema import load


def texts(config: dict[str, Any], data: str = "md5") -> dict[str, str]:
    """Every job of the study and its entry."""
    jobs = Jobs(load(config), data)
    study = jobs.study
    found = {"prepare": jobs.prepare(), "report": jobs.report()}
    found |= {f"calibration {link}": jobs.calibration(link) for link in study.links}
    for seed in study.seeds:
        found |= {f"pretrain {m} {seed}": jobs.pretrain(m, seed) for m in jobs.pretrained}
        found |= {f"knowledge {m} {seed}": jobs.knowledge(m, seed) for m in jobs.knowledge_methods}
    for m in study.methods:
        for part in study.labels:
            for link in jobs.tune_links:
                found[f"tune {m} {link} {part}"] = jobs.tune(m, link, part)
            for link in study.links:
                for seed in study.seeds:
                    found[f"finetune {m} {link} {part} {seed}"] = jobs.finetune(m, link, part, seed)
                    found[f"evaluate {m} {link} {part} {seed}"] = jobs.evaluate(m, link, part, seed)
    for name, link in jobs.digital.links.items():
        for file in jobs.digital.error_tables(name):
            found[f"table {Path(file).name}"] = jobs.digital.table(Path(file).name)
        for m, part, seed in product(link.methods, study.labels, study.seeds):
            found[f"digital {m} {name} {part} {seed}"] = jobs.digital.evaluate(m, name, part, seed)
    return found


def changed(config: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> set[str]:
    """Stage and method of the jobs whose entries `change` changes."""
    before = texts(config)
    change(config)
    after = texts(config)
    return {" ".join(job.split()[:2]) for job in before if job in after and before[job] != after[job]}


def test_an_entry_is_what_its_verb_parses(config):
    jobs = Jobs(load(config), "md5")
    entry = entries.FinetuneEntry.model_validate_json(jobs.finetune("mmssl", "awgn_k32", "all", 1))
    assert (entry.seed, entry.link.channel_uses, entry.fraction) == (1, 32, 1.0)
    entry = entries.TuneEntry.model_validate_json(jobs.tune("supervised", "awgn_k32", "all"))
    assert entry.seeds == (0,), "the quickstart tunes on one seed"
    entries.PretrainEntry.model_validate_json(jobs.pretrain("mmssl", 0))
    entries.EvaluateEntry.model_validate_json(jobs.evaluate("mmssl", "awgn_k32", "all", 0))
    entries.PrepareEntry.model_validate_json(jobs.prepare())
    entry = entries.DigitalEntry.model_validate_json(jobs.digital.evaluate("mmssl", "pq_k32", "all", 1))
    assert (entry.seed, entry.link.channel_uses, entry.budgets, entry.neighbours) == (1, 32, (8,), 5)
    entry = entries.TableEntry.model_validate_json(jobs.digital.table("16qam_ldpc_3-4_32_awgn.csv"))
    assert (entry.block.payload_bits, entry.channel) == (96, "awgn")
    ReportEntry.model_validate_json(jobs.report())
    entry = entries.CalibrationEntry.model_validate_json(jobs.calibration("awgn_k32"))
    assert (entry.link_name, entry.channel) == ("awgn_k32", {"use": "awgn"})
    row = entries.KnowledgeEntry.model_validate_json(jobs.knowledge("random", 0))
    assert row.method == "random"
    assert row.encoder == entries.PretrainEntry.model_validate_json(jobs.pretrain("mmssl", 0)).encoder


def test_entries_are_sorted_json_and_every_call_gives_the_same(config):
    text = texts(config)
    assert text == texts(config)
    for line in (line for job, line in text.items() if job != "report"):
        assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))


def test_the_order_of_keys_does_not_matter(config):
    def reverse(config):
        config["methods"]["mmssl"] = dict(reversed(config["methods"]["mmssl"].items()))

    assert changed(config, reverse) == set()


def test_a_pretrain_entry_changes_its_own_method_only(config):
    def longer(config):
        config["methods"]["mmssl"]["pretrain"]["epochs"] = 11

    assert changed(config, longer) == {"pretrain mmssl", "report"}


def test_a_fine_tuning_rate_changes_no_pretraining(config):
    def rate(config):
        config["tune"]["optimisers"][0]["lr"] = 2e-3

    assert changed(config, rate) == {"tune mmssl", "tune intra_only", "tune supervised", "report"}


def test_seeds_of_tuning_change_tuning_alone_and_the_grid_does_not_know_them(config):
    """An entry of a study that leaves them out is the one from before the key was there."""
    config["tune"].pop("seeds")
    entry = json.loads(Jobs(load(config), "md5").tune("mmssl", "awgn_k32", "all"))
    assert entry["seeds"] == [0, 1, 2]
    assert set(entry["tune"]) == {"optimisers", "draws"}

    def two(config):
        config["tune"]["seeds"] = 2

    assert changed(config, two) == {"tune mmssl", "tune intra_only", "tune supervised"}
    assert Jobs(load(config), "md5").tune_seeds == (0, 1)
    config["tune"]["seeds"] = 9
    assert Jobs(load(config), "md5").tune_seeds == (0, 1, 2), "all there are"


def test_a_fine_tuning_entry_changes_what_trains_with_it(config):
    def batch(config):
        config["methods"]["mmssl"]["finetune"]["batch_size"] = 16

    assert changed(config, batch) == {
        "tune mmssl",
        "finetune mmssl",
        "evaluate mmssl",
        "digital mmssl",
        "report",
    }


def test_a_sender_changes_what_trains_with_it(config):
    def aware(config):
        config["methods"]["supervised"]["finetune"]["sender"] = {"use": "snr_aware"}

    assert changed(config, aware) == {
        "tune supervised",
        "finetune supervised",
        "evaluate supervised",
        "report",
    }


def test_a_link_that_is_not_tuned_on_changes_no_tuning(config):
    config["links"]["fading"] = {"channel": {"use": "rayleigh"}, "channel_uses": 32}

    def drawn(config):
        config["links"]["fading"]["train_snr_db"] = {"uniform": [0, 20]}

    concerned = changed(config, drawn)
    assert {job.split()[0] for job in concerned} == {"finetune", "evaluate", "report"}


def test_a_calibration_is_of_the_channel_alone(config):
    def fading(config):
        config["links"]["awgn_k32"]["channel"] = {"use": "rayleigh"}

    before = texts(config)["calibration awgn_k32"]
    del config["digital"]
    config["methods"] = {"supervised": config["methods"]["supervised"]}
    assert texts(config, "other data")["calibration awgn_k32"] == before, "reports of a study share it"
    assert "calibration awgn_k32" in changed(config, fading)


def test_mending_a_sender_changes_those_who_use_it(config, monkeypatch):
    config["methods"]["supervised"]["finetune"]["sender"] = {"use": "snr_aware"}
    seen = []
    monkeypatch.setattr(stagecode, "_code", lambda stage, *modules: seen.append(modules) or "0" * 16)
    Jobs(load(config), "md5").finetune("supervised", "awgn_k32", "all", 0)
    assert "semcom.models.senders" in seen[-1]


def test_the_sweep_changes_evaluation_only(config):
    def more(config):
        config["evaluate"]["snr_db"].append(25)

    assert {job.split()[0] for job in changed(config, more)} == {"evaluate", "digital", "report"}


@pytest.mark.parametrize("where", ["tracking", "report"])
def test_tracking_and_the_name_of_the_report_train_nothing(config, where):
    def change(config):
        config[where] = {"enabled": False} if where == "tracking" else "other"

    assert {job.split()[0] for job in changed(config, change)} <= {"report"}


@pytest.mark.parametrize("named", [True, False])
def test_more_seeds_links_labels_and_methods_change_only_the_report(config, named):
    if not named:  # methods and budgets are then those of the study
        del config["digital"]["pq_k32"]["methods"], config["digital"]["pq_k32"]["budgets"]

    def grow(config):
        config["seeds"].append(3)
        config["links"]["awgn_k16"] = {"channel": {"use": "awgn"}, "channel_uses": 16}
        config["labels"]["tenth"] = 0.1
        config["methods"]["again"] = config["methods"]["mmssl"]

    assert {job.split()[0] for job in changed(config, grow)} == {"report"}


def test_a_report_has_names_in_the_order_of_the_file(config):
    config["links"]["a_k16"] = {"channel": {"use": "awgn"}, "channel_uses": 16}
    entry = json.loads(Jobs(load(config), "md5").report())
    assert list(entry["links"]) == ["awgn_k32", "a_k16"]
    assert entry["tuned_on"] == {"a_k16": "awgn_k32"}


def test_another_version_of_the_data_changes_all(config):
    before, after = texts(config, "old"), texts(config, "new")
    same = {job for job in before if before[job] == after[job]}
    assert {job.split()[0] for job in same} == {"calibration", "table"}


def test_without_pretrained_methods_there_is_no_knowledge(config):
    del config["digital"]
    config["methods"] = {"supervised": config["methods"]["supervised"]}
    assert Jobs(load(config), "md5").knowledge_methods == []


def digital(config, **changes):
    """The study with its digital link changed; None takes a key away."""
    link = config["digital"]["pq_k32"] | changes
    config["digital"] = {"pq_k32": {key: value for key, value in link.items() if value is not None}}
    return Jobs(load(config), "md5")


def test_methods_and_budgets_of_a_digital_link(config):
    jobs = digital(config, methods=None, budgets=None)
    assert jobs.digital.links["pq_k32"].methods == ("mmssl", "intra_only", "supervised")
    assert jobs.study.digital_budgets("mmssl", "pq_k32") == (0, 1, 4, 8)
    assert jobs.study.digital_budgets("supervised", "pq_k32") == (1, 4, 8), "it has no encoders before"
    assert digital(config, budgets=[0]).digital.links["pq_k32"].methods == ("mmssl", "intra_only")
    assert digital(config, budgets=[0, 4]).study.digital_budgets("supervised", "pq_k32") == (4,)


def test_budgets_and_methods_of_a_digital_link_concern_no_job_of_others(config):
    digital(config, methods=["mmssl"], budgets=None)

    def more_methods(config):
        config["digital"]["pq_k32"]["methods"] = ["mmssl", "supervised"]

    def fewer_budgets(config):
        config["digital"]["pq_k32"]["budgets"] = [0, 1, 4, 8]  # what None was

    assert changed(config, more_methods) == {"report"}
    assert changed(config, fewer_budgets) == {"report"}


def test_schemes_of_a_digital_link_change_its_jobs_alone(config):
    def fewer(config):
        del config["digital"]["pq_k32"]["schemes"][0]

    assert changed(config, fewer) == {"digital mmssl", "report"}


def test_measured_error_tables_come_first_and_their_content_counts(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = digital(config, schemes=["qpsk_ldpc_1/2", "16qam_ldpc_1/2"])
    names = ["qpsk_ldpc_1-2_32_awgn.csv", "16qam_ldpc_1-2_32_awgn.csv"]
    assert jobs.digital.error_tables("pq_k32") == [f"results/data/links/{name}" for name in names]
    unmeasured = jobs.digital.evaluate("mmssl", "pq_k32", "all", 0)
    measured = tmp_path / "results/reference/links" / names[1]
    measured.parent.mkdir(parents=True)
    seen = {unmeasured}
    for content in ("one", "other"):
        measured.write_text(content)
        assert jobs.digital.error_tables("pq_k32") == [
            f"results/data/links/{names[0]}",
            f"results/reference/links/{names[1]}",
        ]
        seen.add(jobs.digital.evaluate("mmssl", "pq_k32", "all", 0))
    assert len(seen) == 3


def test_the_summary_names_all(config):
    text = Jobs(load(config), "0123abcd.dir").summary()
    for word in (
        "quickstart",
        "rooms",
        "0123abcd.dir",
        "mmssl",
        "supervised",
        "0, 1, 2",
        "awgn_k32",
        "1, 4, 8",
    ):
        assert word in text


def test_the_summary_says_where_encoders_start_that_do_not_pre_train(config, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"one")
    start = {"backbone": {"use": "resnet18", "stem": "original"}, "weights": str(tmp_path / "w.pth")}
    config["methods"]["pretrained"] = config["methods"]["supervised"] | {"encoder": start}
    text = Jobs(load(config), "0123abcd.dir").summary()
    assert f"supervised (no pre-training), pretrained (weights {tmp_path / 'w.pth'});" in text


def test_weights_to_start_from_concern_their_method_by_content(config, tmp_path):
    """Of methods that pre-train the pre-training reads them, of others tuning and fine-tuning."""
    file = tmp_path / "w.pth"
    file.write_bytes(b"one")
    for method in ("mmssl", "supervised"):
        config["methods"][method]["encoder"]["weights"] = str(file)
    entry = entries.PretrainEntry.model_validate_json(Jobs(load(config), "md5").pretrain("mmssl", 0))
    assert entry.weights_sha256 == hashlib.sha256(b"one").hexdigest()

    def other(config):
        file.write_bytes(b"another")

    concerned = {"pretrain mmssl", "tune supervised", "finetune supervised"}
    assert changed(config, other) == concerned
    entry = entries.FinetuneEntry.model_validate_json(
        Jobs(load(config), "md5").finetune("mmssl", "awgn_k32", "all", 0)
    )
    assert entry.weights_sha256 is None
    row = entries.KnowledgeEntry.model_validate_json(Jobs(load(config), "md5").knowledge("random", 0))
    assert row.encoder.weights is None, "random means random"


def test_a_new_method_from_weights_changes_no_other(config, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"one")

    def pretrained(config):
        config["methods"]["pretrained"] = {
            **config["methods"]["supervised"],
            "encoder": {
                "backbone": {"use": "resnet18", "stem": "original"},
                "weights": str(tmp_path / "w.pth"),
            },
        }

    assert changed(config, pretrained) == {"report"}


def test_the_summary_tells_claims_on_what_there_is_not(config):
    claim = {"says": "x", "measure": "accuracy", "of": "mmssl", "against": "supervised", "link": "awgn_k32"}
    claim |= {"budgets": [4], "direction": "above", "margin": 0.01}
    wrong = {
        "typo": {"of": "mmmssl"},
        "link": {"against": "supervised/awgn_k8"},
        "labels": {"labels": "tenth"},
        "budget": {"budgets": [4, 40]},
        "test": {"snr_db": 7},
        "digital": {"of": "supervised/pq_k32", "against": "mmssl"},
    }
    claims = {name: Claim.model_validate(claim | changes) for name, changes in {"good": {}, **wrong}.items()}
    *_, last = Jobs(load(config), "0123abcd.dir", claims=claims).summary().splitlines()
    assert last == (
        "  claims on what is not in this study, not run: "
        "typo (no method 'mmmssl'), link (no link 'awgn_k8'), "
        "labels (no labels 'tenth'), budget (no budget of 40 epochs), test (no test at 7 dB), "
        "digital (supervised does not go over pq_k32)"
    )
