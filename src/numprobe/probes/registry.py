"""The probes on the Hugging Face hub that were published or loaded on this machine: a small file of the user."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.sealed import read_sealed_json, write_sealed_json

#: Environment variable that names the file.
VARIABLE = "NUMPROBE_REGISTRY"
_DETAILS = ("model", "minimum", "maximum")


def registry_path() -> Path:
    """Return the path of the registry: `NUMPROBE_REGISTRY`, else `numprobe/probes.json` where users' data lie."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "numprobe" / "probes.json"


def remember(id: str, revision: str, index: Mapping[str, Any]) -> None:
    """Add a repository to the registry, or replace its entry.

    A registry that cannot be read or written is left as it is: it must not keep a probe from being used.

    Parameters
    ----------
    id, revision
        The repository, and its commit.
    index
        Its list of probes (`numprobe.probes.published`).
    """
    try:
        entries = {entry["id"]: entry for entry in known_probes()}
        kinds: dict[str, list[str]] = {}
        for probe in index["probes"]:
            kinds.setdefault(probe["context"], []).append(probe["kind"])
        entry = {"id": id, "revision": revision, **{name: index.get(name) for name in _DETAILS}, "probes": kinds}
        if entries.get(id) != entry:
            write_sealed_json(registry_path(), {"probes": list({**entries, id: entry}.values())})
    except (NumprobeError, OSError):
        return


def known_probes() -> list[dict[str, Any]]:
    """Return the entries of the registry, in the order in which they were added.

    Each has `id`, `revision`, `model`, `minimum`, `maximum` (of the numbers) and `probes` (context -> kinds).

    Raises
    ------
    NumprobeError
        If the registry is damaged.
    """
    path = registry_path()
    if not path.is_file():
        return []
    entries = read_sealed_json(path).get("probes")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
        raise NumprobeError(f"{path} is no registry of probes: delete it, it is made again")
    return entries
