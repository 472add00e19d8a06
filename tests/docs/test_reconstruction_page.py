"""docs/reconstruction.md: its examples run."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/reconstruction.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_run(number: int) -> None:
    exec(compile(EXAMPLES[number], f"docs/reconstruction.md, example {number}", "exec"), {})
