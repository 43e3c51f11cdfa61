"""Read and write safetensors files with one JSON record: the format of probes, patterns, subspaces and kernels."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from numprobe.errors import NumprobeError
from numprobe.sealed import CHECKSUM, blank_object, damaged, read_sealed, write_sealed

# One key, because safetensors writes several metadata keys in random order and equal content must give equal bytes.
_KEY = "numprobe"
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U32": "<u4", "U8": "u1", "BOOL": "?"}


def write_tensors(path: str | Path, flat: Mapping[str, np.ndarray], described: Mapping[str, Any]) -> None:
    """Write arrays, their record and a checksum of all bytes atomically; the bytes depend on the content alone.

    Raises
    ------
    NumprobeError
        If an array has NaN or infinite components, or the disk is full.
    """
    if (name := _not_finite(flat)) is not None:
        raise NumprobeError(f"{name} has NaN or infinite components, so {path} is not written: check its inputs")
    contiguous = {name: np.ascontiguousarray(array) for name, array in flat.items()}
    write_sealed(path, save(contiguous, metadata={_KEY: blank_object(described)}))


def read_tensors(path: str | Path, format: str, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the record and the arrays of a file; the arrays are views of its bytes in memory.

    Parameters
    ----------
    path
        A file that `write_tensors` wrote.
    format
        Required `format` of the record.
    what
        Name of the kind of file for messages, such as "a probe".

    Raises
    ------
    NumprobeError
        If the file is missing, cannot be read, is damaged or something else, or has NaN or infinite components.
    """
    content = read_sealed(path)
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        record = json.loads(header.pop("__metadata__")[_KEY])
        arrays = dict(_arrays(memoryview(content)[start:], header))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, error) from None
    if record.get("format") != format:
        raise NumprobeError(f"{path} is not {what} file (format {record.get('format')!r}, not {format!r})")
    if (name := _not_finite(arrays)) is not None:
        raise damaged(path, f"{name} has NaN or infinite components")
    return {key: value for key, value in record.items() if key != CHECKSUM}, arrays


def _arrays(content: memoryview, header: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for name, told in header.items():
        first, end = told["data_offsets"]
        yield name, np.frombuffer(content[first:end], _TYPES[told["dtype"]]).reshape(told["shape"])


def _not_finite(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Return the name of the first array with NaN or infinite components."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
