"""Networks of timm as mentors, by name and a file of weights."""

from typing import Any, Literal

from semcom.files.errors import SemcomError
from semcom.models.mentor import Mentor, existing, fill, make, package, tensors
from semcom.params.faults import nearest
from semcom.params.ranges import NonNegativeInt, Pixels


class Timm(Mentor):
    """A network of timm without classifier; colours are scaled as timm says of it.

    Args:
        name: as timm has it, with the tag of its weights if their scaling is not the usual one:
            `resnet50.a1_in1k`, `vit_small_patch14_dinov2.lvd142m`, …
        weights: a file of them (a state dict or safetensors), or `random`.
        size: width and height in pixels that it sees; null: what it was trained with.
        interpolation: from the prepared size.
        seed: of random weights.
    """

    def __init__(
        self,
        *,
        name: str,
        weights: str,
        size: tuple[Pixels, Pixels] | None = None,
        interpolation: Literal["bicubic", "bilinear"] = "bicubic",
        seed: NonNegativeInt = 0,
    ) -> None:
        timm = package("timm", "a mentor of timm")
        if not timm.is_model(name):
            raise SemcomError(f"timm has no network {name!r}{nearest(name, timm.list_models())}")
        file = existing(weights, name)
        net = make(lambda: timm.create_model(name, pretrained=False, num_classes=0), weights, seed)
        said: dict[str, Any] = timm.data.resolve_model_data_config(net)
        if file is not None:
            about: Any = net.default_cfg
            heads = about.get("classifier") or ()
            names = (heads,) if isinstance(heads, str) else heads
            fill(net, tensors(file), classifier=tuple(f"{n}." for n in names), file=file, use=name)
        height, width = said["input_size"][1:]
        super().__init__(
            net,
            size=size or (width, height),
            colours=(tuple(said["mean"]), tuple(said["std"])),
            file=file,
            interpolation=interpolation,
        )
