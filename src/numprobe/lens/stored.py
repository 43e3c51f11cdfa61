"""Keep measured levels: they take most of the time of a page, and depend on the model and the probe alone."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.lens.levels import Level
from numprobe.sealed import read_sealed_json, write_sealed_json

# A change in what is measured makes stored levels void.
_FORMAT = "numprobe lens levels 1"


def write_levels(path: str | Path, levels: Sequence[Level], provenance: Mapping[str, Any] | None = None) -> None:
    """Write levels as JSON with their checksum, and with the provenance of a study's file."""
    content = {"format": _FORMAT, "levels": [level.as_json() for level in levels]}
    write_sealed_json(path, {**content, "provenance": dict(provenance or {})})


def read_levels(path: str | Path) -> list[Level]:
    """Read levels that `write_levels` wrote.

    Raises
    ------
    NumprobeError
        If the file is missing or damaged, or holds no levels of this version.
    """
    content = read_sealed_json(path)
    try:
        if content["format"] == _FORMAT:
            return [Level(**level) for level in content["levels"]]
    except (KeyError, TypeError):
        pass
    raise NumprobeError(f"{path} holds no levels of a lens of this version: delete it and run again")


def cached_levels(files: Sequence[Path], details: Any, measure: Callable[[], list[Level]]) -> list[Level]:
    """Return levels from the user's cache, or measure and keep them.

    Parameters
    ----------
    files
        The files of the model and the probe: other sizes or times of change make other levels.
    details
        What else the levels depend on.
    measure
        Measures them.
    """
    path = _cache() / f"{_key(files, details)}.json"
    if path.is_file():
        try:
            return read_levels(path)
        except NumprobeError:
            path.unlink()
    levels = measure()
    # A page needs no cache.
    with suppress(OSError, NumprobeError):
        write_levels(path, levels)
    return levels


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numprobe" / "lens"


def _key(files: Sequence[Path], details: Any) -> str:
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(files)]
    return sha256(json.dumps([_FORMAT, stats, details], sort_keys=True).encode()).hexdigest()[:32]
