"""Hidden states on disk: one Parquet file per state, one position table, one manifest (docs/files.md).

States are written while the next ones are computed. The manifest is written last and has row counts, byte counts and
checksums. Readers compare all of them, every time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from numprobe.activations.columns import ColumnReader, ColumnWriter, narrow
from numprobe.activations.manifest import MANIFEST, POSITIONS, REMEDY, check_size, file_entry, unlike
from numprobe.activations.manifest import read_manifest as read_manifest
from numprobe.activations.serial_queues import SerialQueues
from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError
from numprobe.sealed import checksum, write_sealed_json
from numprobe.tables import read_table, write_table

#: The site of the states between the blocks.
RESIDUAL = "residual"
# Threads that wait for the disk, which takes several files as fast as one.
_DISK_THREADS = 16

#: Site and layer of a state.
Key = tuple[str, str]
#: Refuses bad states; called with (key, row of the first state in the position table, states as stored).
Check = Callable[[Key, int, np.ndarray], None]


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
        Sites that are columns of it: site -> (first, end).
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
    """Return the name of a state's file, such as `residual-final_norm.parquet`."""
    return f"{site}-{layer}.parquet"


def write_activations(
    folder: str | Path,
    batches: Iterable[Mapping[str, np.ndarray]],
    *,
    layers: Sequence[str],
    width: int,
    dtype: str,
    positions: pl.DataFrame,
    details: Mapping[str, Any],
    check: Check | None = None,
) -> None:
    """Write a folder of states of the residual stream, in memory that does not grow with the number of rows.

    Parameters
    ----------
    folder
        Where to write. An existing manifest is deleted first, so that an interrupted run leaves no valid folder.
    batches
        Mappings from layer to an array [rows of this batch, width], as numbers or as stored (`narrow`); rows in the
        order of `positions`. Each is computed while the one before it is written.
    layers
        The states to write; every batch has all of them.
    width
        Components per state.
    dtype, positions, details, check
        As `writing_states`.
    """
    states = [State(RESIDUAL, layer, width) for layer in layers]
    options: dict[str, Any] = {"dtype": dtype, "positions": positions, "details": details, "check": check}
    with writing_states(folder, states=states, width=width, **options) as writer:
        for batch in batches:
            for layer in layers:
                writer.put((RESIDUAL, layer), partial(batch.__getitem__, layer))
            writer.end_batch()


@contextmanager
def writing_states(
    folder: str | Path,
    *,
    states: Sequence[State],
    width: int,
    dtype: str,
    positions: pl.DataFrame,
    details: Mapping[str, Any],
    check: Check | None = None,
) -> Iterator["StateWriter"]:
    """Open a folder for writing states inside the block; it is complete at the end of the block.

    Parameters
    ----------
    folder
        Where to write. An existing manifest is deleted first, so that an interrupted run leaves no valid folder.
    states
        What will be written.
    width
        Width of the model's residual stream.
    dtype
        float32, float16 or bfloat16: how components are stored.
    positions
        The position table; its column `row` counts 0..n-1.
    details
        Further entries of the manifest: `dropped`, `model`, `context`, `source`, `weights_sha256`, `tokenizer_sha256`,
        `provenance`.
    check
        Called with all states on their way to the disk.

    Raises
    ------
    ValueError
        If states have another width, or are more or fewer than positions.
    NumprobeError
        If the disk is full.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    metadata = details.get("provenance", {})
    with ThreadPoolExecutor(_DISK_THREADS) as disk, ExitStack() as stack, ThreadPoolExecutor(_threads()) as pool:
        # In the background: the first forward pass need not wait for it.
        opening = pool.submit(_open_columns, stack, folder, states, dtype, metadata, disk)
        writer = StateWriter(opening, SerialQueues(pool), positions.height, dtype, check)
        yield writer
        columns = writer.finished()
        table = disk.submit(write_table, folder / POSITIONS, positions, metadata)
        files = {key: column.described() for key, column in columns.items()}
        table.result()
    listed = [
        entry for state in states for entry in _describe(state, width, {"rows": positions.height, **files[state.key]})
    ]
    shape = {"rows": positions.height, "width": width, "dtype": dtype}
    placed = _describe_positions(folder, positions.height)
    write_sealed_json(folder / MANIFEST, {**details, **shape, "states": listed, "positions": placed})


def _describe_positions(folder: Path, rows: int) -> dict[str, Any]:
    """Return the manifest's entry on the position table."""
    path = folder / POSITIONS
    return {"file": POSITIONS, "rows": rows, "bytes": path.stat().st_size, "checksum": checksum(path)}


def _threads() -> int:
    """Return the number of threads that check and encode: the job's (Arrow reads OMP_NUM_THREADS), at least two."""
    return max(2, int(pa.cpu_count()))


class StateWriter:
    """Writes the states of a folder batch by batch; separate threads check, encode and flush them.

    A file is finished as soon as it has its last row.

    Parameters
    ----------
    opening
        Future of the open files.
    queues
        Queues of tasks, one for each file.
    rows
        Number of rows of each file.
    dtype
        Type on disk.
    check
        Called with all states before they are written.
    """

    def __init__(
        self, opening: Future[dict[Key, ColumnWriter]], queues: SerialQueues, rows: int, dtype: str, check: Check | None
    ) -> None:
        self._opening, self._queues, self._rows, self._dtype, self._check = opening, queues, rows, dtype, check

    def put(self, key: Key, states: Callable[[], np.ndarray]) -> None:
        """Accept the next states of a file.

        Parameters
        ----------
        key
            Site and layer of the file.
        states
            Returns [rows of this batch, width of the state], as numbers or as stored (`narrow`); called on another
            thread, where it may wait.
        """

        def append() -> None:
            column = self._opening.result()[key]
            stored = narrow(states(), self._dtype)
            if self._check is not None:
                self._check(key, column.rows, stored)
            if column.rows + len(stored) > self._rows:
                raise _uneven(key, column.rows + len(stored), self._rows)
            column.append(stored)
            if column.rows == self._rows:
                column.finish()

        self._queues.put(key, append)

    def end_batch(self) -> None:
        """End a batch; at most two are in memory, and errors of an earlier one are raised here."""
        self._queues.end_round()

    def finished(self) -> dict[Key, ColumnWriter]:
        """Wait until all files have all rows, and return them.

        Raises
        ------
        ValueError
            If one of them has fewer.
        """
        self._queues.finish()
        columns = self._opening.result()
        for key, column in columns.items():
            if column.rows != self._rows:
                raise _uneven(key, column.rows, self._rows)
            if not self._rows:
                column.finish()
        return columns


def _uneven(key: Key, found: int, rows: int) -> ValueError:
    return ValueError(f"{key[0]} of layer {key[1]} has {found} states for {rows} positions")


def _open_columns(
    stack: ExitStack, folder: Path, states: Sequence[State], dtype: str, metadata: Any, disk: Executor
) -> dict[Key, ColumnWriter]:
    """Open new state files, which the stack closes."""
    columns = {}
    for state in states:
        path = stack.enter_context(atomic_path(folder / state_file(state.layer, state.site), flushed=True))
        names = {"byte_order": "little", "site": state.site, "layer": state.layer}
        described = {"width": str(state.width), "dtype": dtype, **names}
        columns[state.key] = stack.enter_context(ColumnWriter(path, state.width, dtype, described, metadata, disk))
    return columns


def _describe(state: State, width: int, described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the manifest's entries of a state and of the sites that are parts of it."""
    file = {"file": state_file(state.layer, state.site), **described}
    own = {} if state.width == width else {"width": state.width}
    yield {"site": state.site, "layer": state.layer, **file, **own}
    shared = {name: file[name] for name in ("file", "rows", "bytes")}
    for site, (first, end) in state.parts.items():
        part = {"width": end - first, "part_of": state.site, "first_column": first}
        yield {"site": site, "layer": state.layer, **shared, **part}


def check_stored(folder: str | Path, name: str) -> None:
    """Compare all bytes of a file of an activation folder with the checksums in the manifest.

    Raises
    ------
    NumprobeError
        If it is missing or damaged.
    """
    manifest = read_manifest(folder)
    if name == POSITIONS:
        _check_positions(Path(folder) / name, manifest)
        return
    entry = file_entry(folder, manifest, name)
    for _ in _open(folder, entry["layer"], entry["site"]).blocks():
        pass


def _check_positions(path: Path, manifest: Mapping[str, Any]) -> None:
    check_size(path, manifest["positions"]["bytes"])
    if checksum(path) != manifest["positions"]["checksum"]:
        raise unlike(path, "it has another checksum")


def read_positions(folder: str | Path, columns: Iterable[str] = ()) -> pl.DataFrame:
    """Return the position table: one row per state, in the order of the states (columns: docs/files.md).

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`, or another folder of states.
    columns
        Columns that the table must have.

    Raises
    ------
    NumprobeError
        If the folder does not match its manifest, or the table lacks one of the columns.
    """
    manifest = read_manifest(folder)
    path = Path(folder) / POSITIONS
    _check_positions(path, manifest)
    table = read_table(path, columns, REMEDY)
    _check_count(path, table.height, manifest["rows"])
    return table


def read_states(folder: str | Path, layer: str, site: str = RESIDUAL) -> np.ndarray:
    """Return all states of one layer, [rows, width], float32 or float16 as stored (float32 for bfloat16).

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
    return _open(folder, layer, site).whole()


def iterate_states(
    folder: str | Path, layer: str, rows_per_batch: int = 65536, site: str = RESIDUAL
) -> Iterator[np.ndarray]:
    """Yield the states of one layer in batches of at most `rows_per_batch` rows, in order; errors as `read_states`."""
    for block in _open(folder, layer, site).blocks():
        for start in range(0, len(block), rows_per_batch):
            yield block[start : start + rows_per_batch]


def state_width(manifest: Mapping[str, Any], site: str = RESIDUAL) -> int:
    """Return the number of components of a site's states, which is the same in all layers.

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


def _open(folder: str | Path, layer: str, site: str) -> ColumnReader:
    manifest = read_manifest(folder)
    entry = _entry(folder, manifest, layer, site)
    whole = _entry(folder, manifest, layer, entry.get("part_of", site))
    path, dtype = Path(folder) / whole["file"], manifest["dtype"]
    check_size(path, whole["bytes"])
    width = whole.get("width", manifest["width"])
    first = entry.get("first_column", 0)
    name = f"model {manifest.get('model')}, context {manifest.get('context')}, layer {layer}, site {site}"
    reader = ColumnReader(path, width, slice(first, first + entry.get("width", width)), dtype, whole, name)
    _check_count(path, reader.rows, manifest["rows"])
    found = {name: reader.described.get(name) for name in ("width", "dtype", "site", "layer")}
    wanted = {"width": str(width), "dtype": dtype, "site": whole["site"], "layer": layer}
    if found != wanted:
        raise unlike(path, f"it holds {found}, not {wanted}")
    if not reader.in_pieces:
        raise unlike(path, "its vectors are not contiguous in each row group")
    return reader


def _entry(folder: str | Path, manifest: Mapping[str, Any], layer: str, site: str) -> dict[str, Any]:
    for entry in manifest["states"]:
        if (entry["site"], entry["layer"]) == (site, layer):
            return dict(entry)
    known = ", ".join(f"{entry['site']} {entry['layer']}" for entry in manifest["states"])
    raise NumprobeError(f"{folder} has no state {site} {layer}; it has: {known}")


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise unlike(path, f"it has {found} rows, not {wanted}")
