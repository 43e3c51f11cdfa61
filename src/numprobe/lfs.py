"""Pointers of Git LFS: what a clone without Git LFS leaves in place of large files."""

from pathlib import Path

from numprobe.errors import NumprobeError
from numprobe.sealed import unreadable

#: What every pointer begins with.
START = "version https://git-lfs.github.com/spec/"


def refuse_pointer(path: str | Path) -> None:
    """Refuse a file that is a Git LFS pointer; a file that does not exist is none.

    Raises
    ------
    NumprobeError
        If it is one, or cannot be read.
    """
    if is_pointer(path):
        raise NumprobeError(
            f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned, or download "
            "the file again"
        )


def is_pointer(path: str | Path) -> bool:
    """Return whether a file is a Git LFS pointer; one that does not exist is none.

    Raises
    ------
    NumprobeError
        If the system does not give the file.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(len(START)) == START.encode()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreadable(path, error) from None
