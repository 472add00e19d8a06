"""Self-supervised pre-training of device encoders."""
