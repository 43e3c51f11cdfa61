"""Faults injected into a small study: damaged files, killed jobs, full disks; `make faults` runs them."""
