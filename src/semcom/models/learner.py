"""What pre-training trains: an encoder a modality, and on it a projector, whose output the loss sees."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from semcom.models.encoder import Encoders
from semcom.models.projector import projector
from semcom.params.entries import PretrainEntry


class Learner(nn.Module):
    """Encoders, and a projector of its own for every modality or one for all (`shared_projector`).

    Args:
        entry: modalities, backbone, projector.
        size: width and height of the frames in pixels.
    """

    def __init__(self, entry: PretrainEntry, size: tuple[int, int]) -> None:
        super().__init__()
        self.encoders = Encoders(entry.modalities, size, entry.encoder)
        self.projector_of: dict[str, str] = {
            name: "shared" if entry.pretrain.shared_projector else name for name in entry.modalities
        }
        dims = {self.projector_of[name]: dim for name, dim in self.encoders.dims.items()}
        self.projectors = nn.ModuleDict(
            {name: projector(dim, entry.pretrain.projector) for name, dim in dims.items()}
        )

    def forward(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Embeddings {modality: (N, D)}, fp32, of views {modality: (N, C, H, W)}."""
        return self.project(self.encoders(views))

    def project(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Embeddings {modality: (N, D)}, fp32, of the encoders' features {modality: (N, dim)}."""
        embeddings: dict[str, Tensor] = {}
        for name, projector_name in self.projector_of.items():
            net = self.projectors[projector_name]
            with torch.autocast(features[name].device.type, torch.bfloat16, enabled=self.encoders.bf16):
                embeddings[name] = net(features[name]).float()
        return embeddings
