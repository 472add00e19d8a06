"""How wide the features of backbones are, without making any."""

from collections.abc import Mapping
from typing import Any


def width(backbone: Mapping[str, Any]) -> int | None:
    """Dimensions of a backbone's features; None of users' own classes, which are not looked into."""
    use, scale = backbone.get("use"), backbone.get("width_mult", 1.0)
    if use == "vit":
        found = backbone.get("width")
        return found if isinstance(found, int) else None
    if use == "efficientnet_lite0":
        return 1280
    if not isinstance(scale, int | float):
        return None
    if use == "resnet18":
        return max(1, round(512 * scale))
    if use == "mobilenet_v2":
        return _eights(1280 * max(1.0, scale))
    if use == "mobilenet_v3_small":
        return 6 * _eights(96 * scale)
    return None


def _eights(filters: float) -> int:
    """As torchvision rounds filters: the nearest multiple of 8 that is not under nine tenths of it."""
    near = max(8, int(filters + 4) // 8 * 8)
    return near + 8 if near < 0.9 * filters else near
