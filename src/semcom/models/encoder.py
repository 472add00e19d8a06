"""A device's encoder: one backbone a modality, run in its stated precision."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from semcom.models import BACKBONES
from semcom.params.component import build
from semcom.params.entries import Encoder

CHANNELS = {"rgb": 3, "depth": 1}


class Encoders(nn.Module):
    """The encoders of all devices.

    Args:
        modalities: the devices, `rgb`, `depth` or both.
        size: width and height of the frames in pixels.
        encoder: backbone and precision; every device has its own weights.
    """

    def __init__(self, modalities: Sequence[str], size: tuple[int, int], encoder: Encoder) -> None:
        super().__init__()
        self.backbones = nn.ModuleDict(
            {name: build(BACKBONES, encoder.backbone, CHANNELS[name], size) for name in modalities}
        )
        self.bf16 = encoder.precision == "bf16"
        self.dims: dict[str, int] = {name: getattr(net, "dim") for name, net in self.backbones.items()}  # noqa: B009
        self.to(memory_format=torch.channels_last)

    def forward(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Features {modality: (N, dim)}, fp32, of views {modality: (N, C, H, W)}."""
        device = next(iter(views.values())).device.type
        features = {}
        for name, net in self.backbones.items():
            with torch.autocast(device, dtype=torch.bfloat16, enabled=self.bf16):
                features[name] = net(views[name].contiguous(memory_format=torch.channels_last)).float()
        return features


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
