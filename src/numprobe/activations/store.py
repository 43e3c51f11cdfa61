"""Hidden states on disk: one Parquet file per state, one position table, one manifest (docs/files.md).

A state file has a row index and one fixed-width binary column (measured on 160 MB of float16: written at 2 GB/s and
read at 4 GB/s; a list column of the same bytes at 60 to 500 MB/s). States are written while the next ones are made. The
manifest is written last and names row counts,
byte counts and checksums. Readers compare rows and bytes every time. They leave the sha256 alone, which would cost two
and a half times as much as reading the file; it is there for `sha256sum`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from numprobe.activations.ahead import ahead
from numprobe.atomic import atomic_path, file_sha256, read_json, write_json
from numprobe.errors import NumprobeError
from numprobe.tables import METADATA_KEY, read_table, write_table

MANIFEST = "manifest.json"
POSITIONS = "positions.parquet"
#: The site of the states between the blocks.
RESIDUAL = "residual"
#: Bytes per component of the storage types.
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_BUFFER_BYTES = 1 << 22

#: Site and layer of a state.
Key = tuple[str, str]


@dataclass(frozen=True)
class State:
    """A state to be written.

    Attributes
    ----------
    site, layer
        Its name.
    width
        Components.
    parts
        Sites that are some of its columns: site -> (first, end).
    """

    site: str
    layer: str
    width: int
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Site and layer."""
        return self.site, self.layer


def state_file(layer: str, site: str = RESIDUAL) -> str:
    """The file name of a state, such as `residual-final_norm.parquet`."""
    return f"{site}-{layer}.parquet"


def narrow(states: np.ndarray, dtype: str) -> np.ndarray:
    """The bits that are stored: float32, float16, or uint16 (bfloat16, rounded to nearest even), shape as given.

    Bits of bfloat16 (uint16) stay what they are. Values beyond the range of `dtype` become infinite; the caller checks
    (`widen` shows them).
    """
    if dtype == "bfloat16" and states.dtype != np.uint16:
        bits = np.ascontiguousarray(states, dtype="<f4").view("<u4")
        rounded: np.ndarray = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
        # Rounding must not make a number of what is none.
        rounded[np.isnan(states)] = 0x7FC0
        return rounded
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(states, dtype=_stored_dtype(dtype))


def widen(stored: np.ndarray, dtype: str) -> np.ndarray:
    """The numbers that `narrow` stored: float32 for bfloat16 (numpy has no such type), otherwise `stored` itself."""
    if dtype == "bfloat16":
        return (stored.astype("<u4") << 16).view("<f4")
    return stored


def write_activations(
    folder: str | Path,
    batches: Iterable[Mapping[str, np.ndarray]],
    *,
    layers: Sequence[str],
    width: int,
    dtype: str,
    positions: pl.DataFrame,
    details: Mapping[str, Any],
    site: str = RESIDUAL,
) -> None:
    """Write a folder of states in memory that does not grow with the number of rows.

    Parameters
    ----------
    folder
        Where to write. A manifest that is there is deleted first, so that a broken run leaves no valid folder.
    batches
        Mappings from layer to an array [rows of this batch, width], as they are or as stored (`narrow`); rows in the
        order of `positions`. They are made on a thread of their own.
    layers
        The states to write; every batch has all of them.
    width
        Components per state.
    dtype
        float32, float16 or bfloat16: how components are stored.
    positions
        The position table; its column `row` counts 0..n-1.
    details
        What else the manifest holds: `dropped`, `model`, `context`, `source`, `weights_sha256`, `tokenizer_sha256`,
        `provenance`.
    site
        The site of all these states.
    """
    states = [State(site, layer, width) for layer in layers]
    keyed = ({(site, layer): batch[layer] for layer in layers} for batch in batches)
    write_states(folder, keyed, states=states, width=width, dtype=dtype, positions=positions, details=details)


def write_states(
    folder: str | Path,
    batches: Iterable[Mapping[Key, np.ndarray]],
    *,
    states: Sequence[State],
    width: int,
    dtype: str,
    positions: pl.DataFrame,
    details: Mapping[str, Any],
) -> None:
    """As `write_activations`, for states of several sites and widths.

    Parameters
    ----------
    folder, dtype, positions, details
        As `write_activations`.
    batches
        Mappings from site and layer to an array [rows of this batch, width of the state].
    states
        What to write; every batch has all of them.
    width
        Width of the model's residual stream.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    metadata = details.get("provenance", {})
    with ExitStack() as stack:
        columns = {state.key: stack.enter_context(_column(stack, folder, state, dtype, metadata)) for state in states}
        for batch in ahead(batches):
            for key, column in columns.items():
                column.append(batch[key])
        _check_rows(columns, positions.height)
        # Waiting for the disk and reading for the checksum take as long as they take for one file.
        with ThreadPoolExecutor() as pool:
            files = dict(zip(columns, pool.map(_Column.finish, columns.values()), strict=True))
    write_table(folder / POSITIONS, positions, metadata)
    listed = [
        entry for state in states for entry in _describe(state, width, {"rows": positions.height, **files[state.key]})
    ]
    table = {"file": POSITIONS, "rows": positions.height, **_bytes_and_digest(folder / POSITIONS)}
    shape = {"rows": positions.height, "width": width, "dtype": dtype}
    write_json(folder / MANIFEST, {**details, **shape, "states": listed, "positions": table})


def _column(stack: ExitStack, folder: Path, state: State, dtype: str, metadata: Any) -> "_Column":
    path = stack.enter_context(atomic_path(folder / state_file(state.layer, state.site)))
    names = {"byte_order": "little", "site": state.site, "layer": state.layer}
    return _Column(path, state.width, dtype, {"width": str(state.width), "dtype": dtype, **names}, metadata)


class _Column:
    """One state file in the making: rows are collected in a buffer of 4 MiB, each time a Parquet row group."""

    def __init__(self, path: Path, width: int, dtype: str, described: dict[str, str], metadata: Any) -> None:
        stored = {**described, METADATA_KEY.decode(): json.dumps(metadata, sort_keys=True)}
        self._binary = pa.binary(width * ITEM_BYTES[dtype])
        self._schema = pa.schema([("row", pa.uint32()), ("state", self._binary)], metadata=stored)
        self._path, self._width, self._dtype = path, width, dtype
        # Neither a dictionary nor statistics nor compression helps with floating-point vectors.
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="none", use_dictionary=False, write_statistics=False
        )
        rows = max(1, _BUFFER_BYTES // self._binary.byte_width)
        self._buffer = np.empty((rows, width), dtype=_stored_dtype(dtype))
        self._written = self._filled = 0

    def __enter__(self) -> "_Column":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def finish(self) -> dict[str, Any]:
        """Write what is left, to the disk itself, and describe the file."""
        self._flush()
        self._writer.close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        return _bytes_and_digest(self._path)

    @property
    def rows(self) -> int:
        return self._written + self._filled

    def append(self, states: np.ndarray) -> None:
        if states.ndim != 2 or states.shape[1] != self._width:
            raise ValueError(f"states have shape {states.shape}, not [rows, {self._width}]")
        rest = narrow(states, self._dtype)
        while len(rest):
            space = self._buffer[self._filled :]
            taken = min(len(space), len(rest))
            space[:taken] = rest[:taken]
            rest = rest[taken:]
            self._filled += taken
            if self._filled == len(self._buffer):
                self._flush()

    def _flush(self) -> None:
        if not self._filled:
            return
        count, end = self._filled, self._written + self._filled
        row = pa.array(np.arange(self._written, end, dtype=np.uint32))
        state = pa.FixedSizeBinaryArray.from_buffers(self._binary, count, [None, pa.py_buffer(self._buffer[:count])])
        self._writer.write_table(pa.Table.from_arrays([row, state], schema=self._schema), row_group_size=count)
        self._written, self._filled = end, 0


def _check_rows(columns: Mapping[Key, _Column], rows: int) -> None:
    for (site, layer), column in columns.items():
        if column.rows != rows:
            raise ValueError(f"{site} of layer {layer} has {column.rows} states for {rows} positions")


def _describe(state: State, width: int, described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The manifest's entries of a state and of the sites that are parts of it."""
    file = {"file": state_file(state.layer, state.site), **described}
    own = {} if state.width == width else {"width": state.width}
    yield {"site": state.site, "layer": state.layer, **file, **own}
    for site, (first, end) in state.parts.items():
        part = {"width": end - first, "part_of": state.site, "first_column": first}
        yield {"site": site, "layer": state.layer, **file, **part}


def _bytes_and_digest(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of an activation folder (docs/files.md).

    Raises
    ------
    NumprobeError
        If there is none (the extraction did not finish) or it is damaged.
    """
    path = Path(folder) / MANIFEST
    if not path.exists():
        raise NumprobeError(f"{folder} has no {MANIFEST}: its extraction did not finish, run extract_activations again")
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not {"states", "positions", "rows", "width", "dtype"} <= set(manifest):
        raise NumprobeError(f"{path} is not a manifest of activations: delete the folder and extract again")
    return manifest


def read_positions(folder: str | Path) -> pl.DataFrame:
    """The position table: one row per state, in the order of the states (columns: docs/files.md).

    Raises
    ------
    NumprobeError
        If the folder does not match its manifest.
    """
    manifest = read_manifest(folder)
    path = Path(folder) / POSITIONS
    _check_bytes(path, manifest["positions"]["bytes"])
    table = read_table(path)
    _check_count(path, table.height, manifest["rows"])
    return table


def read_states(folder: str | Path, layer: str, site: str = RESIDUAL) -> np.ndarray:
    """All states of one layer, [rows, width], float32 or float16 as stored (float32 for bfloat16).

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    layer
        "0", "1", ..., "final_norm", "embedding" or "unembedding".
    site
        The site.

    Raises
    ------
    NumprobeError
        If the state is not there, or the folder does not match its manifest.
    """
    opened = _open(folder, layer, site)
    dtype = opened.dtype
    states = np.empty((opened.rows, opened.width), dtype="<f4" if dtype == "bfloat16" else _stored_dtype(dtype))
    filled = 0
    for block in opened.blocks():
        states[filled : filled + len(block)] = block
        filled += len(block)
    return states


def iterate_states(
    folder: str | Path, layer: str, rows_per_batch: int = 65536, site: str = RESIDUAL
) -> Iterator[np.ndarray]:
    """The states of one layer in batches of at most `rows_per_batch` rows, in order; errors as `read_states`."""
    for block in _open(folder, layer, site).blocks():
        for start in range(0, len(block), rows_per_batch):
            yield block[start : start + rows_per_batch]


class _StateFile:
    """A state file that has been checked against its manifest, or the columns of one that are a site of their own."""

    def __init__(self, path: Path, file: pq.ParquetFile, stored_width: int, columns: slice, dtype: str) -> None:
        self.rows, self.width, self.dtype = file.metadata.num_rows, columns.stop - columns.start, dtype
        self._path, self._file, self._stored_width, self._columns = path, file, stored_width, columns

    def blocks(self) -> Iterator[np.ndarray]:
        """Arrays [rows, width], one per row group, so that memory holds one group beside the result."""
        for group in range(self._file.num_row_groups):
            try:
                column = self._file.read_row_group(group, columns=["state"]).column("state")
            except (pa.ArrowException, OSError) as error:
                raise _damaged(self._path, str(error)) from error
            for chunk in column.chunks:
                yield widen(self._array(chunk)[:, self._columns], self.dtype)

    def _array(self, chunk: pa.FixedSizeBinaryArray) -> np.ndarray:
        flat = np.frombuffer(chunk.buffers()[1], dtype=_stored_dtype(self.dtype))
        width = self._stored_width
        return flat[chunk.offset * width : (chunk.offset + len(chunk)) * width].reshape(-1, width)


def state_width(manifest: Mapping[str, Any], site: str = RESIDUAL) -> int:
    """Components of the states of a site, the same in all layers.

    Raises
    ------
    NumprobeError
        If the folder does not have the site, or its states differ in width.
    """
    widths = {int(entry.get("width", manifest["width"])) for entry in manifest["states"] if entry["site"] == site}
    if len(widths) != 1:
        found = f"of widths {sorted(widths)}" if widths else "none"
        raise NumprobeError(f"states of one width are needed at site {site}, there are {found}: extract other layers")
    return widths.pop()


def _open(folder: str | Path, layer: str, site: str) -> _StateFile:
    manifest = read_manifest(folder)
    entry = _entry(folder, manifest, layer, site)
    whole = _entry(folder, manifest, layer, entry.get("part_of", site))
    path, dtype = Path(folder) / whole["file"], manifest["dtype"]
    _check_bytes(path, whole["bytes"])
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from error
    _check_count(path, file.metadata.num_rows, manifest["rows"])
    stored = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
    found = {name: stored.get(name) for name in ("width", "dtype", "site", "layer")}
    width = whole.get("width", manifest["width"])
    wanted = {"width": str(width), "dtype": dtype, "site": whole["site"], "layer": layer}
    if found != wanted:
        raise _damaged(path, f"it holds {found}, the manifest says {wanted}")
    first = entry.get("first_column", 0)
    return _StateFile(path, file, width, slice(first, first + entry.get("width", width)), dtype)


def _entry(folder: str | Path, manifest: Mapping[str, Any], layer: str, site: str) -> dict[str, Any]:
    for entry in manifest["states"]:
        if (entry["site"], entry["layer"]) == (site, layer):
            return dict(entry)
    known = ", ".join(f"{entry['site']} {entry['layer']}" for entry in manifest["states"])
    raise NumprobeError(f"{folder} has no state {site} {layer}; it has: {known}")


def _check_bytes(path: Path, wanted: int) -> None:
    if not path.exists():
        raise NumprobeError(f"{path} is missing although the manifest lists it: run extract_activations again")
    if (found := path.stat().st_size) != wanted:
        raise _damaged(path, f"it has {found} bytes, the manifest says {wanted}")


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise _damaged(path, f"it has {found} rows, the manifest says {wanted}")


def _damaged(path: Path, reason: str) -> NumprobeError:
    return NumprobeError(f"{path} does not match its manifest ({reason}): delete the folder and extract again")


def _stored_dtype(dtype: str) -> str:
    return {"float32": "<f4", "float16": "<f2", "bfloat16": "<u2"}[dtype]
