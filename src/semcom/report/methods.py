"""The page's table of methods: what each one is, from the study's params."""

from functools import cache
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import options
from semcom.params.reportentry import ReportEntry
from semcom.params.sections import Encoder, Finetune, Pretrain
from semcom.report.words import epochs, table_of

NAMES = ("method", "devices", "backbone", "its parameters", "starts from", "fusion", "head")


def section(entry: ReportEntry) -> list[str]:
    """A line a method; nothing where the entry does not say what its methods are."""
    known = entry.params.get("methods")
    if not known:
        return []
    width, height = entry.params["size"]
    return [
        "## Methods\n",
        f"Frames of {width}×{height} pixels. Each device has a backbone of its own, here without sender and "
        "projector. SSL: pre-training without labels, by the named loss. Fusion: one head on what all "
        "devices sent (`concat`), or the mean of a head a device (`average`). Of losses the options that are "
        "not the usual ones are shown. All else is in [provenance.json](provenance.json).\n",
        *table_of(NAMES, [_row(name, known[name], (width, height)) for name in entry.methods], right=False),
    ]


def _row(name: str, said: dict[str, Any], size: tuple[int, int]) -> list[str]:
    encoder, finetune = Encoder.model_validate(said["encoder"]), Finetune.model_validate(said["finetune"])
    devices, pretrain = said["modalities"], said.get("pretrain")
    return [
        name,
        ", ".join(devices),
        _component(encoder.backbone) + (", bf16" if encoder.precision == "bf16" else ""),
        "; ".join(f"{device} {_parameters(device, size, encoder.model_dump_json())}" for device in devices),
        _start(encoder, Pretrain.model_validate(pretrain) if pretrain else None),
        finetune.fusion if len(devices) > 1 else "–",
        _component(finetune.head),
    ]


def _start(encoder: Encoder, pretrain: Pretrain | None) -> str:
    """Where fine-tuning finds the encoders: `random`, weights, or what pre-training made of these."""
    first = f"weights {encoder.weights}" if encoder.weights else "random"
    if pretrain is None:
        return first
    trained = f"{_component(pretrain.loss, _usual(pretrain.loss))}, {epochs(pretrain.epochs)} of SSL"
    return f"{first}, then {trained}" if encoder.weights else trained


def _component(component: dict[str, Any], leave_out: dict[str, Any] | None = None) -> str:
    """`resnet18 (width 0.25, stem by_size)`: its name, and its options but those in `leave_out`."""
    hidden = {"use": component["use"], **(leave_out or {})}
    own = {key: value for key, value in component.items() if key not in hidden or hidden[key] != value}
    said = ", ".join(f"{key.removesuffix('_mult')} {value}" for key, value in own.items())
    return str(component["use"]).rpartition(":")[2] + (f" ({said})" if said else "")


def _usual(loss: dict[str, Any]) -> dict[str, Any]:
    """The options of a loss as they are if nothing is said; none where its class is not here."""
    return options.check("LOSSES", {"use": loss["use"]}, ())[0]


@cache
def _parameters(device: str, size: tuple[int, int], encoder: str) -> str:
    """How many parameters a device's backbone has; a dash where its class is not here."""
    from semcom.models.encoder import Encoders

    try:
        made = Encoders((device,), size, Encoder.model_validate_json(encoder))
    except SemcomError:
        return "–"
    return f"{sum(weight.numel() for weight in made.parameters()):,}"
