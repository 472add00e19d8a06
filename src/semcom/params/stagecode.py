"""The code that each stage of the first system runs, and its hash."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from semcom.params.codehash import code_hash
from semcom.params.component import module_of

STAGES = {
    "prepare": "semcom.prepare",
    "pretrain": "semcom.pretrain.stage",
    "knowledge": "semcom.knowledge.private",
    "tune": "semcom.finetune.tune",
    "finetune": "semcom.finetune.stage",
    "changing": "semcom.finetune.changing",
    "evaluate": "semcom.evaluate.sweep",
    "calibration": "semcom.evaluate.links",
    "table": "semcom.channel.digital.simulate",
    "conditions": "semcom.evaluate.conditions",
    "digital": "semcom.evaluate.digital",
    "upload": "semcom.evaluate.upload",
    "learnt": "semcom.evaluate.learnt",
    "report": "semcom.report",
}
"""The module that each stage's verb runs: where its code hash starts."""
_code = cache(code_hash)


def stage_code(stage: str, **components: Iterable[dict[str, Any]]) -> str:
    """Hash of the code of a stage and of the components, by family, that its entry names."""
    modules = {module_of(name, component) for name, members in components.items() for component in members}
    return _code(STAGES[stage], *sorted(modules))
