"""The user's first page: its code runs, and what it points to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "benchmarks/README.md",
    "params/README.md",
    *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*.md")),
]
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.S | re.M)


def test_the_link_of_the_readme_delivers_what_it_says(capsys):
    exec(compile(BLOCKS[0], "README.md", "exec"), {})
    (measured,) = re.findall(r"[\d.]+", capsys.readouterr().out)
    assert float(measured) == pytest.approx(10, abs=0.1)  # 32,000 draws: 4 standard errors are 0.1 dB


def test_the_loss_of_the_readme_is_a_loss():
    torch = pytest.importorskip("torch")
    names: dict[str, object] = {}
    exec(compile(BLOCKS[1], "README.md", "exec"), names)
    z = torch.randn(4, 8, requires_grad=True)
    value, logs = names["Mine"](scale=2.0)({"rgb": (z, torch.zeros(4, 8))})
    value.backward()
    torch.testing.assert_close(z.grad, 4 * z.detach() / z.numel())
    assert set(logs) == {"distance_rgb"}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_images_exist(page):
    text = (ROOT / page).read_text()
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", t)]
    missing = [t for t in targets if not (ROOT / page).parent.joinpath(t).exists()]
    assert not missing, f"{page} points to {missing}"


def test_every_make_target_named_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text()))
    assert {"reproduce", "test", "check"} <= named
    assert all(re.search(rf"^{target}:", makefile, flags=re.M) for target in named)
