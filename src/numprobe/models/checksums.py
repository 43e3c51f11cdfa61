"""Checksums of the model folders that the workflow writes, in a file beside those that transformers writes."""

import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from numprobe.atomic import atomic_path
from numprobe.sealed import checksum, damaged, read_sealed_json, unreadable, write_sealed_json

#: Written last: a folder with it is complete.
CHECKSUMS = "checksums.json"
_WEIGHTS = ".safetensors"


def publish_model(made: str | Path, folder: str | Path, names: Iterable[str]) -> None:
    """Move the files of a model to its folder, each atomically, and write their sizes and checksums there last.

    Checksums are taken before the move, so that they reveal damage to the moved files.

    Parameters
    ----------
    made
        The folder where the files were made.
    folder
        The model's folder, on the same disk.
    names
        The files.
    """
    source, place = Path(made), Path(folder)
    names = list(names)
    files = {name: {"bytes": (source / name).stat().st_size, "checksum": checksum(source / name)} for name in names}
    for name in names:
        with atomic_path(place / name) as target:
            shutil.move(source / name, target)
    write_sealed_json(place / CHECKSUMS, {"files": files})


def compare_checksums(folder: str | Path, weights: bool = True, thorough: bool = True) -> None:
    """Compare the files of a model folder with its checksums, if it has any.

    Parameters
    ----------
    folder
        The model folder.
    weights
        If false, check configuration and tokenizer only.
    thorough
        If false, compare sizes only.

    Raises
    ------
    NumprobeError
        If a file is missing, cannot be read or is damaged.
    """
    place = Path(folder)
    if not (place / CHECKSUMS).exists():
        return
    for name, told in read_sealed_json(place / CHECKSUMS)["files"].items():
        if weights or not name.endswith(_WEIGHTS):
            compare_file(place / name, told, thorough)


def compare_file(path: Path, told: dict[str, object], thorough: bool = True) -> None:
    """Compare a file with its entry in `checksums.json`; parameters and errors as `compare_checksums`."""
    try:
        found = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    if found.st_size != told["bytes"]:
        raise damaged(path, f"it has {found.st_size} bytes, not {told['bytes']}")
    if thorough and _checksum(path, found.st_size, found.st_mtime_ns) != told["checksum"]:
        raise damaged(path, "its bytes do not match their checksum")


@cache
def _checksum(path: Path, size: int, changed: int) -> str:
    """Return the checksum of a file, cached until the file changes: a job resolves its model several times."""
    return checksum(path)
