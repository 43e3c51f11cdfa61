"""Probes: codes of numbers, their fits, and the files that hold them."""
