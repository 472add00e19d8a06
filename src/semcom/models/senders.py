"""Senders: from a device's features to the real values that its channel uses carry."""

import torch
from torch import Tensor, nn

from semcom.channel.power import normalise
from semcom.channel.symbols import to_complex
from semcom.files.errors import SemcomError
from semcom.params.ranges import PositiveInt
from semcom.training import forms


class Linear(nn.Linear):
    """One linear layer; it knows nothing of the channel.

    Args:
        features: width of the features.
        outputs: real values sent a frame, 2 × channel uses.
    """

    needs_snr = False

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)

    def forward(self, features: Tensor, snr_db: Tensor | None = None) -> Tensor:
        """Values (N, outputs) of features (N, features); `snr_db` is not looked at."""
        return super().forward(features)


class SnrAware(nn.Module):
    """A linear layer on features that are scaled and shifted by what the SNR asks for.

    Feature-wise linear modulation: a small network takes Es/N0 to a factor and an offset for every feature.
    It starts as factor 1 and offset 0, so as `Linear`. What it sends depends on the SNR: a sweep must encode
    anew at each one, and the device must be told the SNR.

    Args:
        features: width of the features.
        outputs: real values sent a frame, 2 × channel uses.
        hidden: width of the small network.
    """

    needs_snr = True

    def __init__(self, features: int, outputs: int, *, hidden: PositiveInt = 64) -> None:
        super().__init__()
        last = nn.Linear(hidden, 2 * features)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.modulation = nn.Sequential(nn.Linear(1, hidden), nn.ReLU(), last)
        self.layer = nn.Linear(features, outputs)

    def forward(self, features: Tensor, snr_db: Tensor | None = None) -> Tensor:
        """Values (N, outputs) of features (N, features).

        Args:
            features: (N, features).
            snr_db: Es/N0 in dB, (N,) or a scalar for all.

        Raises:
            SemcomError: no SNR is given.
        """
        if snr_db is None:
            raise SemcomError("the sender snr_aware needs the SNR that it sends at; give snr_db")
        # About 0…1 over the range in use.
        asked = torch.as_tensor(snr_db, dtype=features.dtype, device=features.device).div(20)
        factor, offset = self.modulation(asked.expand(len(features)).unsqueeze(-1)).chunk(2, -1)
        values: Tensor = self.layer(features * (1 + factor) + offset)
        return values


def send(sender: nn.Module, features: Tensor, snr_db: Tensor | None, *, channel_uses: int) -> Tensor:
    """Complex symbols (N, k) that a sender makes of features (N, features), average power 1 a channel use.

    Args:
        sender: a component.
        features: of one device.
        snr_db: Es/N0 in dB, (N,) or a scalar for all; asked for by senders that see it.
        channel_uses: k, no more and no fewer.

    Raises:
        SemcomError: the sender gives something else than 2k real values.
    """
    shape = (*features.shape[:-1], 2 * channel_uses)
    values = forms.tensor("sender", sender, sender(features, snr_db), shape, "two a channel use")
    return normalise(to_complex(values))
