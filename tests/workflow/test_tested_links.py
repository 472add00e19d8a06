"""A link that is not what it says stops the DAG before anything is trained over it; what is trained stays."""

import os

LOSSY = """
import torch

from semcom.channel.awgn import awgn


class Lossy:
    law = "own"

    def __init__(self) -> None: ...

    def __call__(self, symbols, n0, generator=None):
        drawn = torch.rand(symbols.shape, generator=generator, device=symbols.device)
        return awgn(symbols * (drawn >= 0.1), n0, generator)
"""
STAGES = ("finetune", "evaluate")
OVER = {f"{stage} supervised lossy_k8 all {seed}" for stage in STAGES for seed in (0, 1)}


def lossy(config):
    config["report"] = "lossy"
    config["methods"] = {"supervised": config["methods"]["supervised"]}
    config["links"]["lossy_k8"] = {"channel": {"use": "mylab:Lossy"}, "channel_uses": 8}


def test_a_link_out_of_tolerance_stops_what_would_train_over_it(copied):
    (copied.root / "mylab.py").write_text(LOSSY)
    with copied.with_params(lossy):
        assert copied.planned() == OVER | {"calibration lossy_k8", "report"}
        text = copied.snakemake("--cores", "1", code=1)
        assert "out of tolerance, so nothing is trained over it: link lossy_k8\n" in text
        assert "link lossy_k8: mean_snr_db_amplitude_3 at 20 dB is 9." in text
        assert 'let its class say `law = "unchecked"`' in text
        assert "rule finetune:" not in text
        assert not (copied.root / "results/tiny/finetune/supervised/lossy_k8").exists()
        with copied.edited("mylab.py", 'law = "own"', 'law = "unchecked"'):
            copied.snakemake("--cores", "1")
            page = (copied.root / "results/tiny/report/lossy/report.md").read_text()
            assert "**Unchecked: lossy_k8.**" in page
            assert "checks of the other links are passed" in page
            assert copied.planned() == set()


def test_a_link_that_changes_for_the_worse_trains_nothing_and_loses_nothing(copied):
    (copied.root / "mylab.py").write_text(LOSSY)

    def change(config):
        config["links"]["awgn_k8"]["channel"] = {"use": "mylab:Lossy"}

    with copied.with_params(change):
        assert "out of tolerance" in copied.snakemake("--cores", "1", code=1)
        again = copied.snakemake("--cores", "1", code=1)
        assert "out of tolerance" in again
        assert "rule tune:" not in again
    assert copied.planned() == {"calibration awgn_k8", "report"}, "its table is to be made again"


def test_calibrations_that_are_newer_or_gone_train_nothing(copied):
    folder = copied.root / "results/tiny/calibration"
    for path in folder.iterdir():
        os.utime(path)
    (folder / "awgn_k8.ok").write_text("another\n")
    assert copied.planned() == set()
    (folder / "awgn_k8.csv").unlink()
    assert copied.planned("--config", "report=second") == {"calibration awgn_k8", "report"}
