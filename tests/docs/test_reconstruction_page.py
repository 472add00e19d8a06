"""docs/reconstruction.md: its examples run, and the uncoded link does the harm that is computed."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/reconstruction.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(number: int) -> dict:
    names: dict = {}
    exec(compile(EXAMPLES[number], f"docs/reconstruction.md, example {number}", "exec"), names)
    return names


@pytest.mark.parametrize("number", [0, 2, 3])
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


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == 4
