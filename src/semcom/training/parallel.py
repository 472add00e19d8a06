"""Several processes that train one network together, each with a part of every batch; exact by construction.

    all draw the same batch and views ─► each encodes its part ─► embeddings gathered ─► all have the loss of
    the whole batch ─► each has its part's gradients ─► summed: those of one process

BatchNorm sees the whole batch as well. What differs from one process is the order of sums, nothing else. (A
layer that draws random numbers itself, such as dropout, draws the same ones in every process.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Team:
    """The processes of one training, as one of them sees it. `ALONE` costs nothing.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
        talk: process group of the CPUs, so that no GPU waits for a word between processes.
    """

    rank: int = 0
    size: int = 1
    talk: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def part(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """This process's part of a batch {name: (N, ...)}: N / size rows; `size` divides N."""
        if self.size == 1:
            return batch
        return {name: rows.chunk(self.size)[self.rank] for name, rows in batch.items()}

    def gather(self, parts: Sequence[Tensor]) -> Sequence[Tensor]:
        """Whole embeddings (N, D) of this process's parts (N / size, D), all of one D.

        Every process takes the same loss of them; its gradients flow back to its own part.
        """
        if self.size == 1:
            return parts
        whole: Tensor = _Gather.apply(torch.stack(list(parts)), self.rank, self.size)
        return whole.unbind()

    def sum_gradients(self, module: nn.Module) -> None:
        """Give every process the gradients of the whole batch; in one piece, so that sums keep order."""
        if self.size == 1:
            return
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        for gradient, total in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true in one of the processes."""
        if self.size == 1:
            return flag
        flags = torch.tensor(flag, dtype=torch.int32)
        distributed.all_reduce(flags, group=self.talk)
        return bool(flags)

    def share_batchnorm(self, module: nn.Module) -> None:
        """Let the BatchNorm layers inside `module` see the whole batch; names and statistics stay."""
        if self.size == 1:
            return
        for name, child in module.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm):
                setattr(module, name, _shared(child))
            else:
                self.share_batchnorm(child)


ALONE = Team()
"""A training in one process."""


class _Gather(torch.autograd.Function):
    """(E, N / size, D) of every process as (E, N, D); the gradient is that of this process's part."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, rank: int, size: int) -> Tensor:
        ctx.rank, ctx.size = rank, size
        parts = [torch.empty_like(part) for _ in range(size)]
        distributed.all_gather(parts, part.contiguous())
        return torch.cat(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].chunk(ctx.size, dim=1)[ctx.rank], None, None


class _Everyones(torch.autograd.Function):
    """A tensor of every process, (size, ...); the losses of all processes depend on each of them."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        found = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(found, own.contiguous())
        return torch.stack(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total[distributed.get_rank()]


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """BatchNorm over the batches of all processes, all of one size, on any device."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # the layer that this one replaces would have refused

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...) over all but C, in fp32 or wider; statistics as in torch's BatchNorm."""
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        axes = [axis for axis in range(x.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        count = distributed.get_world_size() * x.numel() // x.shape[1]
        own = torch.stack([x.mean(axes), x.var(axes, correction=0)])
        everyones: Tensor = _Everyones.apply(own)
        means, variances = everyones.unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        self._track(mean.detach(), variance.detach() * count / (count - 1))
        y: Tensor = (x - mean.view(shape)) * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def _shared(layer: nn.modules.batchnorm._BatchNorm) -> nn.Module:
    """A layer that takes the place of `layer`: torch's own on a GPU, which refuses a CPU."""
    on_gpu = any(tensor.is_cuda for tensor in layer.state_dict().values())
    new = (nn.SyncBatchNorm if on_gpu else SharedBatchNorm)(
        layer.num_features,
        eps=layer.eps,
        momentum=layer.momentum,
        affine=layer.affine,
        track_running_stats=layer.track_running_stats,
    )
    new.weight, new.bias = layer.weight, layer.bias
    new.running_mean, new.running_var = layer.running_mean, layer.running_var
    new.num_batches_tracked = layer.num_batches_tracked
    return new
