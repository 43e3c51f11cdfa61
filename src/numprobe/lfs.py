"""Detect Git LFS pointers, which a clone without Git LFS leaves in place of large files."""

from pathlib import Path

from numprobe.errors import NumprobeError
from numprobe.sealed import unreadable

#: Start of every pointer.
START = "version https://git-lfs.github.com/spec/"


def refuse_pointer(path: str | Path) -> None:
    """Refuse a file that is a Git LFS pointer; a missing file is accepted.

    Raises
    ------
    NumprobeError
        If it is a pointer or cannot be read.
    """
    if is_pointer(path):
        raise NumprobeError(
            f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned, or download "
            "the file again"
        )


def is_pointer(path: str | Path) -> bool:
    """Return whether a file is a Git LFS pointer; false for a missing file.

    Raises
    ------
    NumprobeError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(len(START)) == START.encode()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreadable(path, error) from None
