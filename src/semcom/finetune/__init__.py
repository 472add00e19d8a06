"""Joint fine-tuning of devices and server over a link; what it costs in communication; choice of optimisers."""
