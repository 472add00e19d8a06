"""Joint fine-tuning of devices and server over a link; its communication; the choice of optimisers."""
