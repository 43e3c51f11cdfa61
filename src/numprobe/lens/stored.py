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
from numprobe.sealed import checksum, read_sealed_json, write_sealed_json

# A change in what is measured makes stored levels void.
_FORMAT = "numprobe lens levels 1"


def write_levels(
    path: str | Path, levels: Sequence[Level], probe: Path | None = None, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write levels as JSON with their checksum.

    Parameters
    ----------
    path
        The file.
    levels
        The levels.
    probe
        File of the probe that they are about, if the levels are to be found by it (`study_levels`).
    provenance
        Record of their making in a study.
    """
    content = {"format": _FORMAT, "probe": checksum(probe) if probe else None, "provenance": dict(provenance or {})}
    write_sealed_json(path, {**content, "levels": [level.as_json() for level in levels]})


def read_levels(path: str | Path) -> list[Level]:
    """Read levels that `write_levels` wrote.

    Raises
    ------
    NumprobeError
        If the file is missing or damaged, or holds no levels of this version.
    """
    return _levels_in(read_sealed_json(path), path)


def study_levels(probe: Path) -> list[Level] | None:
    """Return the levels that a study measured of a probe; None if it measured none, or those of another probe.

    Parameters
    ----------
    probe
        File of the probe, `results/probes/{model}/{context}/{probe}.safetensors`; the levels are those in
        `results/lens/{model}/levels.json`, if they are about these bytes.

    Raises
    ------
    NumprobeError
        If the levels are damaged.
    """
    folders = probe.resolve().parents
    if len(folders) < 4 or folders[2].name != "probes":
        return None
    path = folders[3] / "lens" / folders[1].name / "levels.json"
    if not path.is_file():
        return None
    content = read_sealed_json(path)
    return _levels_in(content, path) if content.get("probe") == checksum(probe) else None


def _levels_in(content: Mapping[str, Any], path: str | Path) -> list[Level]:
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
