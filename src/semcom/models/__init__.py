"""Backbones, heads, and the device–channel–server system."""

BACKBONES = {
    "resnet18": "semcom.models.resnet:ResNet18",
    "mobilenet_v2": "semcom.models.mobilenet:MobileNetV2",
}

HEADS = {
    "mlp": "semcom.models.heads:MLP",
}
