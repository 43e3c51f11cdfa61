"""Threads that a job may use."""

import os


def threads() -> int:
    """Return the number of threads that Snakemake granted (it exports OMP_NUM_THREADS), or all cores."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def prepare_torch() -> None:
    """Give torch the granted threads, and the memory that it frees back to it."""
    import torch

    from numprobe.allocation import keep_freed_memory

    torch.set_num_threads(threads())
    keep_freed_memory()
