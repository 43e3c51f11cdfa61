"""Freed memory is kept where the C library can be told so, and nowhere else."""

import ctypes
import subprocess
import sys

import pytest

from numprobe.allocation import keep_freed_memory

_FAULTS = """
import resource, sys
import numpy as np
from numprobe.allocation import keep_freed_memory

kept = keep_freed_memory() if sys.argv[1] == "keep" else False
for turn in range(20):
    if turn == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    first, second = np.ones(1 << 22, np.uint8), np.ones(1 << 22, np.uint8)
    del first, second
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
_GNU = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")


def faults(how: str) -> tuple[bool, int]:
    """Whether memory is kept, and the page faults of ten rounds that allocate and free 8 MiB, in a new process."""
    result = subprocess.run([sys.executable, "-c", _FAULTS, how], capture_output=True, text=True, check=True)
    kept, count = map(int, result.stdout.split())
    return bool(kept), count


@pytest.mark.skipif(not _GNU, reason="only the GNU C library can be told")
def test_kept_memory_is_used_again():
    given, pages = faults("default")
    assert not given
    kept, again = faults("keep")
    assert kept
    # Ten rounds touch 20,480 pages of 4 KiB if none is kept.
    assert again < 100 < pages


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"])
def test_the_environment_decides_first(monkeypatch, name):
    monkeypatch.setenv(name, "131072")
    assert not keep_freed_memory()


def test_other_systems_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
