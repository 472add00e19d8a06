"""What it takes to ship a mentor, as it is or with weights of 8 bits (`models.int8`)."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from semcom.models import int8
from semcom.models.cost import multiply_adds
from semcom.models.pretrained import COUNTER


def give_int8(mentor: nn.Module) -> int:
    """Give a mentor the weights that a receiver would unpack; return the bytes that are shipped.

    Raises:
        SemcomError: its weights cannot be shipped so.
    """
    packed = int8.pack(mentor)
    int8.unpack(mentor, packed)
    return packed.bytes


def facts(mentor: Any, image: NDArray[Any], *, shipped: int | None) -> dict[str, float]:
    """What is known of a mentor's network.

    Args:
        mentor: the network.
        image: (1, H, W, 3), one as prepared.
        shipped: bytes that are shipped; None: of its state as it is.

    Returns:
        `parameters`, `multiply_adds` of the image, `shipped_bytes`.
    """
    state = {key: value for key, value in mentor.state_dict().items() if not key.endswith(COUNTER)}
    with torch.inference_mode():
        given = mentor.prepare(image).to(next(mentor.parameters()).device)
        work = multiply_adds(mentor, given)
    return {
        "parameters": sum(p.numel() for p in mentor.parameters()),
        "multiply_adds": work,
        "shipped_bytes": sum(t.nbytes for t in state.values()) if shipped is None else shipped,
    }
