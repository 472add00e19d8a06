"""Backbones, mentors, senders, heads, networks that send images, and the device–channel–server system."""

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

MENTORS = {
    "efficientnet_lite0": "semcom.models.mentor_lite0:Lite0",
    "open_clip": "semcom.models.mentor_open_clip:OpenClip",
    "torchvision": "semcom.models.mentor_torchvision:Torchvision",
    "timm": "semcom.models.mentor_timm:Timm",
}

HEADS = {
    "mlp": "semcom.models.heads:MLP",
}

NETWORKS = {
    "deepjscc": "semcom.models.jscc:DeepJSCC",
}
