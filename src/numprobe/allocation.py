"""Control how much freed memory the C library returns to the system."""

import ctypes
import os
import sys

# Parameters of mallopt(3) of the GNU C library.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST = 1 << 30, 1 << 25


def keep_freed_memory() -> bool:
    """Let this process keep up to 1 GiB of freed memory for later allocations; return whether that was possible.

    A forward pass on a CPU allocates and frees the same few tensors in every block. By default the GNU C library
    returns much of that memory to the system each time, and the system must clear every page before it is used again.
    Other allocators and systems are not affected, nor are processes whose environment sets MALLOC_TRIM_THRESHOLD_ or
    MALLOC_MMAP_THRESHOLD_.
    """
    chosen = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & set(os.environ)
    mallopt = None if chosen or sys.platform != "linux" else getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_M_MMAP_THRESHOLD, _LARGEST) and mallopt(_M_TRIM_THRESHOLD, _KEPT))
