"""docs/extending.md: its examples are taken from the page and run through the real chain."""

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from checkout import PARAMS, Site, checkout
from semcom.frames.prepared import Prepared
from semcom.params import foreign
from semcom.params.protocols import PROTOCOLS

PAGE = (Path(__file__).parents[2] / "docs/extending.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
"""File and content of each example."""
STUDIES = [file for file in EXAMPLES if file.endswith(".yaml")]
IMAGES = """
size: [32, 32]
parts:
  a: {data: tiny, role: private}
  test: {data: tiny, role: test}
mentor: {use: efficientnet_lite0, weights: random, size: [32, 32]}
images:
  train: a
  test: test
  links: {awgn: {channel: {use: awgn}, channel_uses: 64}}
  methods: {jscc: {}}
  epochs: 1
  batch_size: 16
  snr_db: [-5, 10]
"""
"""Stands for the quickstart's section of images."""
METHODS = ("align_uniform", "separable", "cosine")
SMALLEST = """
report: smallest
methods:
  align_uniform: {pretrain: {projector: [16, 16], epochs: 2, batch_size: 16, devices: 2}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout with the page's files, where all of its studies have run at once.

    The tiny study stands for the quickstart, without its own methods and links, on one seed and one budget.
    """
    site = checkout(tmp_path_factory.mktemp("own") / "köln x")
    base = yaml.safe_load(PARAMS) | {"seeds": [0], "budgets": [1], "crlsc": yaml.safe_load(IMAGES)}
    base["tune"]["optimisers"] = base["tune"]["optimisers"][:1]
    del base["methods"], base["links"]
    (site.root / "params/quickstart.yaml").write_text(yaml.safe_dump(base))
    (site.root / "params/smallest.yaml").write_text(SMALLEST)
    for file, text in EXAMPLES.items():
        path = site.root / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {file}\n{text}")
    (site.root / "said.log").write_text(site.snakemake("--cores", "2", *files()))
    return site


def files(*, without: str = "") -> list[str]:
    every = ["params/quickstart.yaml", *STUDIES, "params/smallest.yaml"]
    return ["--configfile", *(file for file in every if file != without)]


LINKS = ("impulsive_k32", "reach_k32")
"""One a task."""


def of(method: str, *links: str) -> set[str]:
    pretrained = {f"pretrain {method} 0", f"knowledge {method} 0"} if method == "align_uniform" else set()
    return (pretrained if links == LINKS else set()) | {
        job
        for link in links
        for job in (
            f"tune {method} {link} all",
            f"finetune {method} {link} all 0",
            f"evaluate {method} {link} all 0",
        )
    }


def test_the_page_has_an_example_of_each_kind():
    assert set(EXAMPLES) == {
        "mylab/losses.py", "mylab/channels.py", "mylab/backbones.py", "mylab/heads.py",
        "mylab/data.py", "mylab/networks.py", "mylab/tasks.py",
        "params/align.yaml", "params/impulsive.yaml", "params/separable.yaml", "params/cosine.yaml",
        "params/reach.yaml", "params/residual.yaml",
    }  # fmt: skip


def test_the_examples_run_from_data_to_report(site):
    results = site.root / "results/tiny"
    history = pd.read_csv(results / "pretrain/align_uniform/seed0/history.csv")
    seen = history.pivot(index="epoch", columns="metric", values="value")
    assert seen.alignment.between(0, 4).all()  # of unit vectors
    assert (seen.uniformity < 0).all()  # the mean of numbers below 1 has a logarithm below 0
    assert (seen.loss - seen.alignment - 0.5 * seen.uniformity).abs().max() < 1e-5
    for method in METHODS:
        sweep = pd.read_csv(results / f"evaluate/{method}/impulsive_k32/all/seed0/sweep.csv")
        assert sweep[sweep.metric == "accuracy"].value.between(0, 1).all()
    assert (results / "report/smallest/report.md").exists()


def test_the_task_of_the_page_is_what_it_says(site):
    """Thirds of the training frames by their median depth, which the server is to tell apart."""
    frames = Prepared.open(site.root / "results/data/tiny_32x24.h5")
    far = np.quantile(frames.depth_mm.reshape(len(frames), -1), 0.5, axis=1, method="lower")
    with np.load(site.root / "results/tiny/evaluate/cosine/reach_k32/all/seed0/predictions.npz") as said:
        truth = said["truth"]
    near, middling, high = (far[~frames.train][truth == c] for c in range(3))
    assert near.max() <= middling.min() <= middling.max() <= high.min()
    summary = pd.read_csv(site.root / "results/tiny/report/smallest/summary.csv", comment="#")
    assert set(summary[summary.link == "reach_k32"].metric) == {"accuracy"}


def test_the_channel_of_the_page_delivers_its_snr(site):
    table = pd.read_csv(site.root / "results/tiny/calibration/impulsive_k32.csv")
    snr = table[table.check.str.startswith("mean_snr_db")]
    assert len(snr) == 9  # three amplitudes at three SNRs
    assert ((snr.value - snr.expected).abs() < snr.tolerance).all()


def test_the_analog_network_of_the_page_sends_images(site):
    runs = site.root / "results/tiny/crlsc/images"
    rows = pd.read_csv(runs / "test/residual/awgn/seed0/table.csv")
    psnr = rows[rows.metric == "psnr_db"].groupby("snr_db").value.mean()
    assert psnr[-5] < psnr[10]
    page = (site.root / "results/tiny/report/smallest/crlsc.md").read_text()
    assert "| residual | Residual |" in page
    assert "| jscc | deepjscc |" in page
    assert (runs / "test/residual/awgn/seed0/sheet.png").exists()


def test_the_data_set_of_the_page_is_prepared(site, tmp_path):
    """24 rooms of 3 classes, 2 frames each; the depth of a frame is its number in centimetres."""
    lines = ["name,scene,room,split"]
    for number in range(48):
        room = number // 2
        colour = np.full((24, 32, 3), number, np.uint8)
        Image.fromarray(colour).save(tmp_path / f"f{number}_rgb.png")
        far = np.full((24, 32), 10 * number + 1000, np.uint16)
        Image.fromarray(far).save(tmp_path / f"f{number}_depth.png")
        lines.append(f"f{number},{'abc'[room % 3]},room{room},{'train' if room < 12 else 'test'}")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    site.run("semcom", "data", "add", "--with", "mylab.data:pictures", "lab", str(tmp_path))
    site.snakemake("--cores", "1", *files(), "--config", "data=lab", "--", "results/data/lab_32x24.h5")
    frames = Prepared.open(site.root / "results/data/lab_32x24.h5")
    assert (frames.rgb[:, 0, 0, 0] == np.arange(48)).all()
    assert (frames.depth_mm[:, 5, 5] == 10 * np.arange(48) + 1000).all()
    assert frames.scene_names == ("a", "b", "c")
    assert (frames.scene == np.arange(48) // 2 % 3).all()


def test_a_mended_class_runs_what_uses_it_and_a_comment_nothing(site):
    assert site.planned(*files()) == set()
    with site.edited("mylab/losses.py", "torch.stack(align).mean()", "torch.stack(align).sum()"):
        random = {"knowledge random 0"} & site.planned(*files())
        assert site.planned(*files()) == of("align_uniform", *LINKS) | random | {"report"}
    with site.edited("mylab/heads.py", "self.scale * cosines", "self.scale * cosines + 0"):
        assert site.planned(*files()) == of("cosine", *LINKS) | {"report"}
    with site.edited("mylab/tasks.py", "far[train].quantile", "far.quantile"):
        every = set().union(*(of(method, "reach_k32") for method in METHODS))
        assert site.planned(*files()) == every | {"report"}
    with site.edited("mylab/networks.py", "maps + self", "2 * maps + self"):
        sent = {"crlsc_images residual awgn 0", "crlsc_images_test residual awgn 0"}
        assert site.planned(*files()) == sent | {"crlsc_report"}
    with site.edited("mylab/backbones.py", "class Separable", "# A comment.\nclass Separable"):
        assert site.planned(*files()) == set()


def test_a_fault_is_one_message_that_names_its_place(site):
    with site.edited("params/cosine.yaml", "scale: 10", "scales: 10"):
        output = site.snakemake("-n", *files(), code=1)
    assert (
        "methods.cosine.finetune.head.scales: no such key (its value is 10); did you mean 'scale'?" in output
    )
    with site.edited("mylab/heads.py", "import torch\n", "import torch\nimport nolib\n"):
        output = site.snakemake("-n", *files(), code=1)
    assert "methods.cosine.finetune.head.use: mylab.heads does not import: ModuleNotFoundError" in output
    assert "mylab/heads.py, line 5: import nolib" in output
    with site.edited("mylab/heads.py", "import torch\n", "import torch\ntorch.nothing\n"):
        output = site.snakemake("--cores", "1", *files(), code=1)
    assert "methods.cosine.finetune.head.use: mylab.heads:Cosine: mylab.heads does not import" in output
    assert "line 5: torch.nothing" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("name", ["LOSSES", "CHANNELS", "BACKBONES", "HEADS", "NETWORKS", "TASKS"])
def test_the_page_quotes_the_forms(name):
    assert f"```python\n{inspect.getsource(PROTOCOLS[name]).rstrip()}\n```\n" in PAGE


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_table_has_every_familys_arguments(name):
    protocol = PROTOCOLS[name]
    (row,) = re.findall(rf"^\| `{protocol.__name__}` \|(.*)$", PAGE, re.MULTILINE)
    _, made, called = (cell.strip().strip("`") for cell in row.rstrip().removesuffix("|").split("|"))
    assert made == arguments(protocol.__init__)
    assert called == ", ".join(f"{m}({arguments(getattr(protocol, m))})" for m in foreign.methods(name))


def arguments(function: object) -> str:
    plain = [p.replace(annotation=p.empty) for p in inspect.signature(function).parameters.values()]
    return str(inspect.Signature(plain[1:]))[1:-1]
