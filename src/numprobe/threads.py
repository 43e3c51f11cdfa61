"""The number of threads that a job may use."""

import os


def threads() -> int:
    """Return the number of threads granted by Snakemake (which exports OMP_NUM_THREADS), or all cores."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def prepare_torch() -> None:
    """Limit torch to the granted threads, and let it keep the memory that it frees."""
    import torch

    from numprobe.allocation import keep_freed_memory

    torch.set_num_threads(threads())
    keep_freed_memory()
