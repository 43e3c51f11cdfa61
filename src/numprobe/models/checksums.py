"""Checksums of the model folders that the workflow makes, in a file of their own beside what transformers writes."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from numprobe.sealed import checksum, damaged, read_sealed_json, unreadable, write_sealed_json

#: Written last: a folder with it is complete.
CHECKSUMS = "checksums.json"
_WEIGHTS = ".safetensors"


def write_checksums(folder: str | Path, names: Iterable[str]) -> None:
    """Write the size and the checksum of some files of a model folder, atomically."""
    place = Path(folder)
    files = {name: {"bytes": (place / name).stat().st_size, "checksum": checksum(place / name)} for name in names}
    write_sealed_json(place / CHECKSUMS, {"files": files})


def compare_checksums(folder: str | Path, weights: bool = True, thorough: bool = True) -> None:
    """Compare the files of a model folder with its checksums; of folders that have none, nothing.

    Parameters
    ----------
    folder
        The model folder.
    weights
        False: configuration and tokenizer suffice.
    thorough
        False: sizes suffice.

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
    """The checksum of a file, taken again only when the file has changed: a job asks for its model several times."""
    return checksum(path)
