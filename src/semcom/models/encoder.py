"""A device's encoder: one backbone a modality, run in its stated precision."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.models import BACKBONES
from semcom.params.sections import Encoder
from semcom.training import forms

CHANNELS = {"rgb": 3, "depth": 1}


class Scaling(nn.Module):
    """Frames scaled a channel, to what weights from elsewhere were trained on; part of the state dict.

    Args:
        channels: C; until `set`, frames stay as they are.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("factor", torch.ones(channels, 1, 1))
        self.register_buffer("offset", torch.zeros(channels, 1, 1))

    @torch.no_grad()
    def set(self, factor: Tensor, offset: Tensor) -> None:
        """Scale by `factor` (C,), then add `offset` (C,)."""
        self.factor.copy_(factor.view(-1, 1, 1))
        self.offset.copy_(offset.view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        return x * self.factor + self.offset


class Encoders(nn.Module):
    """The encoders of all devices, at random initialisation (`pretrained.initialise` gives them weights).

    Args:
        modalities: the devices, `rgb`, `depth` or both.
        size: width and height of the frames in pixels.
        encoder: backbone and precision; every device has its own weights. With `weights`, frames are scaled
            before they go into the backbone.
    """

    def __init__(self, modalities: Sequence[str], size: tuple[int, int], encoder: Encoder) -> None:
        super().__init__()
        self.backbones = nn.ModuleDict(
            {name: forms.module(BACKBONES, encoder.backbone, CHANNELS[name], size) for name in modalities}
        )
        scaled = modalities if encoder.weights else ()
        self.scaling = nn.ModuleDict({name: Scaling(CHANNELS[name]) for name in scaled})
        self.bf16 = encoder.precision == "bf16"
        self.dims = {name: _dim(net) for name, net in self.backbones.items()}
        self.to(memory_format=torch.channels_last)

    def forward(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Features {modality: (N, dim)}, fp32, of views {modality: (N, C, H, W)}."""
        device = next(iter(views.values())).device.type
        features = {}
        for name, net in self.backbones.items():
            x = self.scaling[name](views[name]) if name in self.scaling else views[name]
            with torch.autocast(device, dtype=torch.bfloat16, enabled=self.bf16):
                found = net(x.contiguous(memory_format=torch.channels_last))
            shape = (len(x), self.dims[name])
            features[name] = forms.tensor(
                "backbone", net, found, shape, "as many features as its dim says"
            ).float()
        return features

    def map_at(self, x: Tensor, place: int) -> Tensor:
        """One of the maps (N, filters, h, w), fp32, that the RGB backbone makes; layers behind it do not run.

        Args:
            x: (N, 3, H, W), as `forward` takes them.
            place: of the map among all, in the order in which they are made.

        Raises:
            SemcomError: the backbone does not show its maps.
        """
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            return next(islice(self._maps(x), place, None)).float()

    def map_sizes(self, x: Tensor) -> list[tuple[int, int]]:
        """Width and height of all of them.

        Raises:
            SemcomError: the backbone does not show its maps.
        """
        return [(maps.shape[3], maps.shape[2]) for maps in self._maps(x)]

    def _maps(self, x: Tensor) -> Iterator[Tensor]:
        net = self.backbones["rgb"]
        maps: Callable[[Tensor], Iterator[Tensor]] | None = getattr(net, "maps", None)
        if maps is None:
            raise SemcomError(
                f"the backbone {type(net).__name__} does not show its maps; give it a method `maps` that "
                "yields them as they come, or take one of semcom's"
            )
        x = self.scaling["rgb"](x) if "rgb" in self.scaling else x
        return maps(x.contiguous(memory_format=torch.channels_last))


def _dim(backbone: nn.Module) -> int:
    """Width of a backbone's features.

    Raises:
        SemcomError: it does not say.
    """
    dim = getattr(backbone, "dim", None)
    if not isinstance(dim, int):
        raise SemcomError(
            f"backbone.use {forms.name_of(backbone)} has dim {dim!r}; it must say the width of its features, "
            "a whole number: set self.dim in __init__"
        )
    return dim


@torch.no_grad()
def encode_features(encoders: Encoders, batches: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Features {modality: (N, dim)} of batches of views, in evaluation mode, each of unit length.

    With both modalities, `both` is their concatenation, also of unit length: its inner product is the mean of
    the two cosine similarities.
    """
    encoders.eval()
    seen = [encoders(views) for views in batches]
    features = {name: nn.functional.normalize(torch.cat([s[name] for s in seen])) for name in seen[0]}
    if len(features) > 1:
        features["both"] = torch.cat(list(features.values()), dim=1) / len(features) ** 0.5
    return features
