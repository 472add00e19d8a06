"""Atomic writes, hashes, provenance: how results reach the disk and what is said of their origin."""
