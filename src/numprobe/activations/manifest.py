"""Read and check the manifest of an activation folder (docs/files.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.sealed import BadFile, damaged, read_sealed_json, unreadable

MANIFEST = "manifest.json"
POSITIONS = "positions.parquet"
REMEDY = "delete the folder and run again"


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return the manifest of an activation folder (docs/files.md).

    Raises
    ------
    NumprobeError
        If there is none (the extraction did not finish) or it is damaged.
    """
    path = Path(folder) / MANIFEST
    try:
        path.stat()
    except FileNotFoundError:
        raise NumprobeError(f"{folder} has no {MANIFEST}: its extraction did not finish, run again") from None
    except OSError as error:
        raise unreadable(path, error) from None
    manifest = read_sealed_json(path)
    if not {"states", "positions", "rows", "width", "dtype"} <= set(manifest):
        raise NumprobeError(f"{path} is not a manifest of activations: {REMEDY}")
    return manifest


def file_entry(folder: str | Path, manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the manifest's entry on a file of the folder.

    Raises
    ------
    NumprobeError
        If there is none.
    """
    if name == POSITIONS:
        return dict(manifest["positions"])
    for entry in manifest["states"]:
        # Sites that are parts of a file also have the file's name.
        if entry["file"] == name and "part_of" not in entry:
            return dict(entry)
    raise BadFile(Path(folder) / name, "is no file of the folder's manifest", "move it elsewhere")


def check_size(path: Path, wanted: int) -> None:
    """Compare the size of a file with what its manifest says.

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read or has another size.
    """
    try:
        found = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from None
    if found != wanted:
        raise unlike(path, f"it has {found} bytes, not {wanted}")


def unlike(path: Path, reason: str) -> BadFile:
    """Return the error for a file that does not match its manifest."""
    return damaged(path, f"{reason}, unlike its manifest", REMEDY)
