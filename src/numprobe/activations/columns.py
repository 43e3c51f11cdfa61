"""One state on disk: a Parquet file with a row index and one fixed-width binary column.

Neither dictionary, statistics nor compression helps with floating-point vectors. Without them, and with one page per
row group, the vectors of a row group are contiguous at its end: reading is a copy, at the speed of `numpy.fromfile`,
and any Parquet reader can still read the file. Every row group and the footer have a checksum, which `ColumnReader`
compares before it returns anything; together they cover all bytes of the file.
"""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from xxhash import xxh3_128

from numprobe.sealed import damaged, unreadable
from numprobe.tables import METADATA_KEY

#: Bytes per component of the storage types.
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
# Infinity as an integer.
_INFINITY = {"float32": 0x7F800000, "float16": 0x7C00, "bfloat16": 0x7F80}
_GROUP_BYTES = 1 << 22
# Arrow begins a new page after some rows (20,000) or bytes; a row group has fewer of both.
_GROUP_ROWS = 1 << 14
_PAGE_BYTES = 1 << 23
# A page's header has about 26 bytes; two of them have more than this.
_HEADER_BYTES = 40
_REMEDY = "delete the folder and run again"


def narrow(states: np.ndarray, dtype: str) -> np.ndarray:
    """Return states as stored: float32, float16, or uint16 (bfloat16, rounded to nearest even), shape as given.

    Bits of bfloat16 (uint16) are kept as they are. Values beyond the range of `dtype` become infinite, which the caller
    has to check (`not_finite`).
    """
    if dtype == "bfloat16" and states.dtype != np.uint16:
        bits = np.ascontiguousarray(states, dtype="<f4").view("<u4")
        rounded: np.ndarray = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
        # Rounding must not turn NaN into a number.
        rounded[np.isnan(states)] = 0x7FC0
        return rounded
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(states, dtype=stored_dtype(dtype))


def widen(stored: np.ndarray, dtype: str) -> np.ndarray:
    """Return stored states as numbers: float32 for bfloat16 (which numpy lacks), otherwise `stored` itself."""
    if dtype == "bfloat16":
        return (stored.astype("<u4") << 16).view("<f4")
    return stored


def stored_dtype(dtype: str) -> str:
    """Return the numpy type of stored states; uint16 for bfloat16."""
    return {"float32": "<f4", "float16": "<f2", "bfloat16": "<u2"}[dtype]


def not_finite(stored: np.ndarray, dtype: str) -> int | None:
    """Return the first row of stored states [rows, width] with NaN or infinite components; None if there is none."""
    if _largest(stored) < _INFINITY[dtype]:
        return None
    return int(np.flatnonzero(~np.isfinite(widen(stored, dtype)).all(axis=1))[0])


def _largest(stored: np.ndarray) -> int:
    """Return the largest magnitude as an integer; magnitudes compare as their bits do, from 0 to infinity to NaN."""
    if not stored.size:
        return 0
    size = stored.itemsize
    # The largest of the positive numbers, and of the negative ones without their sign.
    signs = 1 << (8 * size - 1)
    return max(int(stored.view(f"i{size}").max()), int(stored.view(f"u{size}").max()) & ~signs)


class ColumnWriter:
    """Writes a state file; rows are buffered up to 4 MiB, the size of a Parquet row group.

    Parameters
    ----------
    path
        The file.
    width
        Components of a vector.
    dtype
        float32, float16 or bfloat16.
    described
        Entries of the schema's metadata.
    metadata
        Provenance.
    disk
        Threads that flush to disk, so that little is left to flush after the last row.
    """

    def __init__(
        self, path: Path, width: int, dtype: str, described: Mapping[str, str], metadata: Any, disk: Executor
    ) -> None:
        stored = {**described, METADATA_KEY.decode(): json.dumps(metadata, sort_keys=True)}
        self._binary = pa.binary(width * ITEM_BYTES[dtype])
        fields = [pa.field("row", pa.uint32(), nullable=False), pa.field("state", self._binary, nullable=False)]
        self._schema = pa.schema(fields, metadata=stored)
        self.path, self._width, self._dtype = path, width, dtype
        plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
        self._file = _Hashed(path)
        self._writer = pq.ParquetWriter(self._file, self._schema, data_page_size=_PAGE_BYTES, **plain)
        self._group_rows = min(_GROUP_ROWS, max(1, _GROUP_BYTES // self._binary.byte_width))
        self._pieces: list[np.ndarray] = []
        self._disk = disk
        self._flushed: Future[None] | None = None
        self._written = self._filled = self._footer = 0
        self._checksums: list[str] = []

    def __enter__(self) -> "ColumnWriter":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._writer.close()
        finally:
            if self._flushed is not None:
                wait([self._flushed])
            self._file.close()

    @property
    def rows(self) -> int:
        """Number of rows appended."""
        return self._written + self._filled

    def append(self, states: np.ndarray) -> None:
        """Add vectors [rows, width], as numbers or as stored (`narrow`); the caller must not change them afterwards."""
        if states.ndim != 2 or states.shape[1] != self._width:
            raise ValueError(f"states have shape {states.shape}, not [rows, {self._width}]")
        rest = narrow(states, self._dtype)
        while len(rest):
            piece = rest[: self._group_rows - self._filled]
            self._pieces.append(piece)
            self._filled += len(piece)
            rest = rest[len(piece) :]
            if self._filled == self._group_rows:
                self._write_group()
                if self._flushed is None or self._flushed.done():
                    self._raise_and_flush_again()

    def finish(self) -> None:
        """Write the remaining rows; `described` waits until they are on disk."""
        self._write_group()
        # Without rows, the footer's checksum is the file's.
        self._footer = self._file.tell() if self._checksums else 0
        self._writer.close()
        self._checksums.append(self._file.checksum())
        self._raise_and_flush_again()

    def described(self) -> dict[str, Any]:
        """Wait until all is on disk, and return what a reader needs.

        This is the file's `bytes`, where its `footer` starts, and the `checksums` of its row groups (each with the
        bytes between it and the one before) and, last, of the footer.
        """
        if self._flushed is None:
            raise ValueError(f"{self.path} is not finished")
        self._flushed.result()
        return {"bytes": self._file.tell(), "footer": self._footer, "checksums": self._checksums}

    def _write_group(self) -> None:
        if not self._filled:
            return
        count, end = self._filled, self._written + self._filled
        row = pa.array(np.arange(self._written, end, dtype=np.uint32))
        state = pa.chunked_array([self._array(piece) for piece in self._pieces], self._binary)
        self._writer.write_table(pa.Table.from_arrays([row, state], schema=self._schema), row_group_size=count)
        self._checksums.append(self._file.checksum())
        self._pieces.clear()
        self._written, self._filled = end, 0

    def _array(self, piece: np.ndarray) -> pa.Array:
        return pa.FixedSizeBinaryArray.from_buffers(self._binary, len(piece), [None, pa.py_buffer(piece)])

    def _raise_and_flush_again(self) -> None:
        """Raise the error of the last flush, which the system reports only once, and start another flush."""
        if self._flushed is not None:
            self._flushed.result()
        self._flushed = self._disk.submit(os.fsync, self._file.fileno())


class _Hashed(io.FileIO):
    """A new file that computes a checksum while it is written, so that it need not be read again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "wb")
        self._digest = xxh3_128()

    def checksum(self) -> str:
        """Return the checksum of what was written since the last call."""
        digest, self._digest = self._digest.hexdigest(), xxh3_128()
        return digest

    def write(self, content: Any) -> int:
        """Write all of `content` and add it to the checksum; return its bytes."""
        # The system may write only a part of a large piece.
        rest = memoryview(content).cast("B")
        self._digest.update(rest)
        while rest.nbytes:
            rest = rest[super().write(rest) :]
        return len(memoryview(content).cast("B"))


class ColumnReader:
    """Reads a state file, or the columns of one that are a separate site.

    Parameters
    ----------
    path
        The file.
    stored_width
        Components of the vectors in it.
    columns
        Columns to read.
    dtype
        float32, float16 or bfloat16.
    described
        Result of `ColumnWriter.described`.
    name
        Name of the states, for messages.

    Raises
    ------
    NumprobeError
        If it cannot be read or its footer does not match its checksum; while rows are read, if they do not match theirs
        or have NaN or infinite components.
    """

    def __init__(
        self, path: Path, stored_width: int, columns: slice, dtype: str, described: Mapping[str, Any], name: str
    ) -> None:
        self._name = name
        self._path, self._stored_width, self._columns, self._dtype = path, stored_width, columns, dtype
        self._footer, self._checksums = described["footer"], described["checksums"]
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(self._footer)
                footer = file.read()
        except OSError as error:
            raise unreadable(path, error) from None
        self._compare("its footer does", xxh3_128(footer), self._checksums[-1])
        # Arrow reads the metadata from the end of any buffer.
        self._metadata = pq.read_metadata(pa.BufferReader(footer))
        #: Rows of the file, and what the schema's metadata says.
        self.rows = self._metadata.num_rows
        stored = self._metadata.schema.to_arrow_schema().metadata or {}
        self.described = {key.decode(): value.decode() for key, value in stored.items()}

    @property
    def in_pieces(self) -> bool:
        """True if each row group's vectors are contiguous, as `ColumnWriter` writes them."""
        return all(0 < header <= _HEADER_BYTES for _, _, header in self._pieces())

    def _pieces(self) -> Iterator[tuple[int, int, int]]:
        """Yield for each row group where its vectors start, their number, and the bytes in front of them."""
        row_bytes = self._stored_width * ITEM_BYTES[self._dtype]
        for number in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(number)
            chunk = group.column(1)
            header = chunk.total_compressed_size - group.num_rows * row_bytes
            yield chunk.data_page_offset + header, group.num_rows, header

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield arrays [rows, width], one per row group, so that memory holds one group besides the result."""
        kind = stored_dtype(self._dtype)
        for stored in self._fill(lambda _, rows: np.empty((rows, self._stored_width), dtype=kind)):
            yield widen(stored[:, self._columns], self._dtype)

    def whole(self) -> np.ndarray:
        """Return all vectors [rows, width]: float32 or float16 as stored, float32 for bfloat16."""
        width = self._columns.stop - self._columns.start
        kind = "<f4" if self._dtype == "bfloat16" else stored_dtype(self._dtype)
        states = np.empty((self.rows, width), dtype=kind)
        if width == self._stored_width and self._dtype != "bfloat16":
            # Read in place, without a copy.
            for _ in self._fill(lambda first, rows: states[first : first + rows]):
                pass
            return states
        filled = 0
        for block in self.blocks():
            states[filled : filled + len(block)] = block
            filled += len(block)
        return states

    def _fill(self, place: Callable[[int, int], np.ndarray]) -> Iterator[np.ndarray]:
        """Read the row groups in order, each into the array that `place` returns for (first row, rows)."""
        filled = end = 0
        try:
            with self._path.open("rb", buffering=0) as file:
                for (start, rows, _), checksum in zip(self._pieces(), self._checksums[:-1], strict=True):
                    stored = place(filled, rows)
                    between = bytearray(start - end)
                    digest = xxh3_128()
                    for part in (memoryview(between), stored.reshape(-1).view(np.uint8).data):
                        self._read(file, part)
                        digest.update(part)
                    self._compare(f"rows {filled} to {filled + rows - 1} do", digest, checksum)
                    row = not_finite(stored, self._dtype)
                    if row is not None:
                        wrong = f"row {filled + row} of {self._name} has NaN or infinite components"
                        raise damaged(self._path, wrong, _REMEDY)
                    yield stored
                    filled, end = filled + rows, start + stored.nbytes
        except OSError as error:
            raise unreadable(self._path, error) from None

    def _compare(self, what: str, digest: Any, checksum: str) -> None:
        if digest.hexdigest() != checksum:
            raise damaged(self._path, f"{what} not match the checksum in the manifest", _REMEDY)

    def _read(self, file: io.FileIO, part: memoryview) -> None:
        """Fill a part of memory from the file's current position."""
        while part.nbytes:
            count = file.readinto(part)
            if not count:
                raise damaged(self._path, "it ends early", _REMEDY)
            part = part[count:]
