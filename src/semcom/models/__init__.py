"""Backbones, senders, heads, and the device–channel–server system."""

BACKBONES = {
    "resnet18": "semcom.models.resnet:ResNet18",
    "mobilenet_v2": "semcom.models.mobilenet:MobileNetV2",
    "mobilenet_v3_small": "semcom.models.mobilenet_v3:MobileNetV3Small",
    "vit": "semcom.models.vit:ViT",
    "efficientnet_lite0": "semcom.models.efficientnet:EfficientNetLite0",
}

SENDERS = {
    "linear": "semcom.models.senders:Linear",
    "snr_aware": "semcom.models.senders:SnrAware",
}

HEADS = {
    "mlp": "semcom.models.heads:MLP",
}
