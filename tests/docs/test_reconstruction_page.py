"""docs/reconstruction.md: its examples run, and the uncoded link does the harm that is computed."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from semcom.models.images import save
from semcom.models.jscc import DeepJSCC
from semcom.models.vqvae import VQVAE

ROOT = Path(__file__).parents[2]
QUICKSTART = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text(encoding="utf-8"))
OPTIONS = QUICKSTART["crlsc"]["images"]["methods"]["vqvae"]["vqvae"]
PAGE = (ROOT / "docs/reconstruction.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(number: int) -> dict:
    names: dict = {}
    exec(compile(EXAMPLES[number], f"docs/reconstruction.md, example {number}", "exec"), names)
    return names


@pytest.mark.parametrize("number", [0, 2, 4])
def test_the_examples_run(number: int) -> None:
    run(number)


def test_bits_over_qpsk_do_the_harm_that_is_computed() -> None:
    names = run(1)
    quantiser = names["quantiser"]
    sent = quantiser.decode(names["indices"])
    seen = (names["received"] - sent).square().sum(-1)[0].double()
    harm = names["harm"](quantiser.codebook, ber=names["ber"], weights=quantiser.share)
    z = (seen.mean() - harm) / (seen.std() / len(seen) ** 0.5)
    assert abs(z) < 4.5
    assert seen.mean() > 0


def test_networks_of_the_quickstart_are_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    mean = torch.rand(3, 32, 32)
    own = {"jscc/awgn_r12": DeepJSCC(3, (32, 32), 256), "vqvae/any": VQVAE(3, (32, 32), **OPTIONS)}
    own["vqvae/any"].start(torch.rand(16, 3, 32, 32), seed=0)
    for place, network in own.items():
        at = tmp_path / f"results/quickstart/crlsc/images/train/{place}/seed0/network.pt"
        at.parent.mkdir(parents=True)
        save(at, network, mean)
    (tmp_path / "results/reference").symlink_to(ROOT / "results/reference")
    names = run(3)
    assert names["by_bits"].shape == names["by_symbols"].shape == (16, 3, 32, 32)
    assert torch.equal(names["mean"], mean)
    for name, network in zip(("analog", "digital"), own.values(), strict=True):
        for mine, saved in zip(names[name].parameters(), network.parameters(), strict=True):
            assert torch.equal(mine, saved)


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == 5
