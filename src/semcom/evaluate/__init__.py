"""SNR sweeps over test frames."""
