"""The record of the GGUF file that a folder was converted from."""

from pathlib import Path
from typing import Any

from numprobe.sealed import read_sealed_json

#: The record's name in the folder. It is written last: a folder with it is complete.
RECORD = "conversion.json"


def read_record(folder: str | Path) -> dict[str, Any] | None:
    """Return the record of a converted folder (docs/files.md); None for other folders."""
    path = Path(folder) / RECORD
    return dict(read_sealed_json(path)) if path.is_file() else None
