"""BatchNorm statistics measured anew on training frames."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


@torch.no_grad()
def recompute(network: nn.Module, batches: Iterable[Mapping[str, Tensor] | Tensor]) -> None:
    """Replace running means and variances by their averages over `batches` of unaugmented views.

    Running averages lag behind the weights; after a short training that alone costs points of accuracy.

    Args:
        network: called with each batch; its BatchNorm layers are measured.
        batches: views of unlabelled training frames, as the network takes them.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    mode = network.training
    network.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average over the batches
    for views in batches:
        network(views)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.train(mode)
