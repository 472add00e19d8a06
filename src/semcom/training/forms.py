"""What a component gives, compared with the form of its family: a class of a user's own may give anything.

Shapes and types are compared wherever something comes out, which costs microseconds; numbers are not looked
at, so that no GPU waits. `semcom.params.protocols` says what each family gives. What a class itself raises
is left as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from semcom.files.errors import SemcomError
from semcom.params.component import build
from semcom.params.sections import Component
from semcom.training import OPTIMISERS

PAGE = "see docs/extending.md"


def name_of(part: object) -> str:
    """The class of a component, `package.module:Class`."""
    return f"{type(part).__module__}:{type(part).__qualname__}"


def said(given: object) -> str:
    """What was given, as `(8, 512) torch.float32` or `a tuple`."""
    if isinstance(given, Tensor):
        return f"{tuple(given.shape)} {given.dtype}"
    return "None" if given is None else f"a {type(given).__name__}"


def module(members: Mapping[str, str], component: Component, *args: object) -> Any:
    """Make a component that is a torch module.

    Args:
        members: its family.
        component: as the schema checked it.
        *args: what the family is made with.

    Raises:
        SemcomError: its `__init__` does not call that of `nn.Module`, or not first.
    """
    fault = f"use {component['use']} does not begin as a torch.nn.Module"
    way_out = f"call super().__init__() first in its __init__; {PAGE}"
    try:
        made = build(members, component, *args)
    except AttributeError as error:
        if "Module.__init__() call" not in str(error):
            raise
        raise SemcomError(f"{fault} ({error}); {way_out}") from error
    if not isinstance(made, nn.Module) or "_modules" not in vars(made):
        raise SemcomError(f"{fault}; {way_out}")
    return made


def tensor(
    key: str, part: object, given: object, shape: Sequence[int], what: str, *, complex: bool = False
) -> Tensor:
    """What a component gave, if it is a tensor of its form.

    Args:
        key: of the component in the params file, such as `sender`.
        part: the component.
        given: what it gave.
        shape: that its family's form asks for here.
        what: that is, in words.
        complex: complex values; False: real ones.

    Raises:
        SemcomError: it is none; names the class, what it gave and what it must give.
    """
    if isinstance(given, Tensor) and given.shape == tuple(shape):
        if given.is_complex() if complex else given.is_floating_point():
            return given
    raise SemcomError(
        f"{key}.use {name_of(part)} gives {said(given)}; here it must give {tuple(shape)} of "
        f"{'complex' if complex else 'real'} values, {what}; {PAGE}"
    )


def received(channel: Any, symbols: Tensor, n0: Tensor | float, generator: Generator | None) -> Tensor:
    """What a channel makes of complex symbols (..., k), of the shape that they have with `n0`.

    Args:
        channel: a component.
        symbols: as sent.
        n0: noise variance a complex channel use.
        generator: of the channel's draws.

    Raises:
        SemcomError: see `tensor`.
    """
    arrived = channel(symbols, n0, generator)
    shape = torch.broadcast_shapes(symbols.shape, n0.shape) if isinstance(n0, Tensor) else symbols.shape
    return tensor("channel", channel, arrived, shape, "one a channel use", complex=True)


def views(
    draw: Any, rgb: Tensor, depth: Tensor, generator: Generator, *, key: str = "views"
) -> tuple[Tensor, Tensor]:
    """New views of colours (N, 3, H, W) and depths (N, 1, H, W).

    Args:
        draw: a component.
        rgb: colours.
        depth: depths in metres.
        generator: of the draws.
        key: of the component in the params file.

    Raises:
        SemcomError: they are not two, or see `tensor`.
    """
    drawn = draw(rgb, depth, generator)
    if not isinstance(drawn, Sequence) or len(drawn) != 2:
        count = f" of {len(drawn)}" if isinstance(drawn, Sequence) else ""
        raise SemcomError(
            f"{key}.use {name_of(draw)} gives {said(drawn)}{count}; it must give two tensors, colour and "
            f"depth; {PAGE}"
        )
    return (
        tensor(key, draw, drawn[0], rgb.shape, "the colours"),
        tensor(key, draw, drawn[1], depth.shape, "the depths"),
    )


def scalar(key: str, part: object, given: object, *, trains: bool = True) -> Tensor:
    """The scalar that a component gave to minimise.

    Args:
        key: of the component in the params file, such as `task`.
        part: the component.
        given: what it gave.
        trains: whether what it was given has gradients, so that the scalar must have them too.

    Raises:
        SemcomError: it cannot be minimised; see `tensor`.
    """
    value = tensor(key, part, given, (), "the scalar to minimise")
    if trains and not value.requires_grad:
        raise SemcomError(
            f"{key}.use {name_of(part)} gives a scalar without gradients, so nothing would be learnt; "
            f"compute it from what it is given, by torch alone, without detach, item or no_grad; {PAGE}"
        )
    return value


def loss(key: str, part: object, given: object, *, trains: bool = True) -> tuple[Tensor, dict[str, Tensor]]:
    """The scalar to minimise and the terms to log, detached, that a loss or a guide gave.

    Args:
        key: of the component in the params file, `loss` or `guide`.
        part: the component.
        given: what it gave.
        trains: see `scalar`.

    Raises:
        SemcomError: these are not the two, a term is no scalar, or one is called `loss`, as the whole is.
    """
    if not isinstance(given, Sequence) or len(given) != 2 or not isinstance(given[1], Mapping):
        raise SemcomError(
            f"{key}.use {name_of(part)} gives {said(given)}; it must give two: the scalar to minimise, and "
            f"a dict of detached scalars to log, {{}} for none; {PAGE}"
        )
    value, terms = scalar(key, part, given[0], trains=trains), given[1]
    if "loss" in terms:
        raise SemcomError(
            f"{key}.use {name_of(part)} logs a term called 'loss', which is the name of the whole; call it "
            "something else"
        )
    return value, {
        name: tensor(key, part, term, (), f"a scalar to log as {name!r}").detach()
        for name, term in terms.items()
    }


def optimiser(component: Component, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a network's parameters.

    Args:
        component: of the family OPTIMISERS.
        network: what trains.

    Raises:
        SemcomError: the component makes something else.
    """
    make = build(OPTIMISERS, component)
    made = make(network)
    if not isinstance(made, torch.optim.Optimizer):
        raise SemcomError(
            f"optimiser.use {name_of(make)} gives {said(made)}; it must give a torch.optim.Optimizer of the "
            f"module's parameters; {PAGE}"
        )
    return made


def whence(**components: Component) -> str:
    """What computes a loss, for the error of one that is not finite: `loss mylab:Mine, views rgbd`."""
    return ", ".join(f"{key}.use {component['use']}" for key, component in components.items())
