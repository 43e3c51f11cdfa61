"""Measurements on probes, with intervals and controls."""
