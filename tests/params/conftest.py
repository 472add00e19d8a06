from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config() -> dict[str, Any]:
    """What params/quickstart.yaml says of the first system, without shared parts."""
    both = yaml.safe_load((ROOT / "params/quickstart.yaml").read_text(encoding="utf-8"))
    return plain({key: value for key, value in both.items() if key != "crlsc"})


def plain(value: Any) -> Any:
    """A copy in which no part is shared (YAML anchors share dicts)."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
