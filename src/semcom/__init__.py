"""Learned semantic communication over noisy wireless links."""
