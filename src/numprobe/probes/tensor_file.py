"""safetensors files with one JSON record of metadata: what probes and patterns are stored in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError

# safetensors writes several metadata keys in random order: one key, so that the same content is the same bytes.
_KEY = "numprobe"


def write_tensors(path: str | Path, flat: Mapping[str, np.ndarray], described: Mapping[str, Any]) -> None:
    """Write arrays and their record atomically; bytes depend on the content alone."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in flat.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(contiguous, metadata={_KEY: json.dumps(dict(described), sort_keys=True)}))


def read_tensors(path: str | Path, format: str, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The record and the arrays of a file.

    Parameters
    ----------
    path
        A file that `write_tensors` wrote.
    format
        What the record's `format` must be.
    what
        What the file should be, for messages: "a probe".

    Raises
    ------
    NumprobeError
        If the file is missing, truncated, or something else.
    """
    if not Path(path).exists():
        raise NumprobeError(f"{path} does not exist")
    try:
        with safe_open(path, framework="numpy") as file:
            stored = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            if stored.get("format") != format:
                raise NumprobeError(f"{path} is not {what} file (format {stored.get('format')!r}, not {format!r})")
            return stored, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
        raise NumprobeError(f"{path} is not a complete safetensors file ({error}): make it again") from error
