"""Compare two results folders: tables, probes, states, weights and the CSVs of figures, by bytes and value by value.

python tests/compare_results.py BEFORE AFTER            differences of any byte count
python tests/compare_results.py BEFORE AFTER --values   the record of making (code digest, versions) may differ
python tests/compare_results.py BEFORE AFTER --without status note   these columns may differ, come or go
python tests/compare_results.py BEFORE AFTER --renamed probe direction reader   an old column, its new ones

Run the small study (`make every`) before and after a change of the code, and compare. Exits 1 if anything differs.
"""

import argparse
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from safetensors import deserialize

ENDINGS = (".parquet", ".safetensors", ".csv", ".md")
#: Those of files that say how they were made.
_WITH_RECORD = (".parquet", ".safetensors")
#: Folders of results whose content depends on the day and the machine.
_NOT_COMPARED = ("logs", "benchmarks")
_FLOATS = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


@dataclass(frozen=True)
class Difference:
    """How a file differs: `missing`, `new`, `values`, or, with all values the same, in its other bytes: `record`."""

    file: str
    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind:8}{self.file}: {self.detail}"


def compare(
    before: Path, after: Path, without: Sequence[str] = (), renamed: Sequence[Sequence[str]] = ()
) -> tuple[int, list[Difference]]:
    """Return how many files two results folders have between them, and how those that are not the same differ.

    Parameters
    ----------
    before, after
        Folders such as `results`. Files are those that end in `ENDINGS`, logs and benchmarks left out.
    without
        Columns of tables and of the CSVs of figures that are not compared.
    renamed
        Columns of old files, each followed by those of new files that may hold its values in its place.
    """
    first, second = _files(before), _files(after)
    found: list[Difference] = []
    for name in sorted(first | second):
        if name not in second:
            found.append(Difference(name, "missing", f"not in {after}"))
        elif name not in first:
            found.append(Difference(name, "new", f"not in {before}"))
        else:
            found += _compare_file(name, (before / name).read_bytes(), (after / name).read_bytes(), without, renamed)
    return len(first | second), found


def _files(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    return {path.as_posix() for path in paths if path.parts[0] not in _NOT_COMPARED}


def _compare_file(
    name: str, old: bytes, new: bytes, without: Sequence[str], renamed: Sequence[Sequence[str]]
) -> Iterator[Difference]:
    kind = Path(name).suffix
    left, right = (_arranged(content, kind, without, renamed) for content in (old, new))
    detail = _READERS[kind](left, right) if left != right else ""
    if detail:
        yield Difference(name, "values", detail)
    elif old != new and kind in _WITH_RECORD:
        yield Difference(name, "record", _other_bytes(name, old, new))


def _arranged(content: bytes, kind: str, without: Sequence[str], renamed: Sequence[Sequence[str]]) -> bytes:
    """Return a file of this ending without some of its columns, new names replaced by old ones.

    Files that are no tables are returned as they are.
    """
    arranged = io.BytesIO()
    if (without or renamed) and kind == ".parquet":
        _with_old_names(pl.read_parquet(io.BytesIO(content)).drop(without, strict=False), renamed).write_parquet(
            arranged
        )
    elif (without or renamed) and kind == ".csv":
        # As text, so that no digit of a number changes.
        frame = pl.read_csv(io.BytesIO(content), infer_schema=False).drop(without, strict=False)
        _with_old_names(frame, renamed).write_csv(arranged)
    else:
        return content
    return arranged.getvalue()


def _with_old_names(frame: pl.DataFrame, renamed: Sequence[Sequence[str]]) -> pl.DataFrame:
    """Return a table in which each old column holds the first value of itself and its new ones; columns by name."""
    for old, *new in renamed:
        held = [name for name in new if name in frame.columns]
        if held:
            kept = [old] if old in frame.columns else []
            frame = frame.with_columns(pl.coalesce(*kept, *held).alias(old)).drop(held)
    return frame.select(sorted(frame.columns)) if renamed else frame


def _compare_tables(old: bytes, new: bytes) -> str:
    """Say how the values of two Parquet files differ; nothing if they do not."""
    first, second = (pl.read_parquet(io.BytesIO(content)) for content in (old, new))
    if first.schema != second.schema:
        return f"columns {dict(first.schema)} are now {dict(second.schema)}"
    if first.height != second.height:
        return f"{first.height} rows are now {second.height}"
    return "; ".join(
        _compare_columns(first[name], second[name]) for name in first.columns if not _same(first, second, name)
    )


def _same(first: pl.DataFrame, second: pl.DataFrame, name: str) -> bool:
    """Whether a column has the same values: of floats, the same bits."""
    one, other = first[name], second[name]
    if not one.dtype.is_float():
        return one.equals(other)
    if not one.is_null().equals(other.is_null()):
        return False
    return one.drop_nulls().to_numpy().tobytes() == other.drop_nulls().to_numpy().tobytes()


def _compare_columns(one: pl.Series, other: pl.Series) -> str:
    rows = [row for row, (a, b) in enumerate(zip(one, other, strict=True)) if repr(a) != repr(b)]
    if not rows:
        return f"column {one.name}: signs of zeros or kinds of NaN"
    example = f"row {rows[0]}: {one[rows[0]]!r} is now {other[rows[0]]!r}"[:200]
    largest = ""
    if one.dtype.is_numeric():
        largest = f", largest difference {(one.cast(pl.Float64) - other.cast(pl.Float64)).abs().max()}"
    return f"column {one.name}: {len(rows)} of {len(one)} rows ({example}{largest})"


def _compare_tensors(old: bytes, new: bytes) -> str:
    """Say how the tensors of two safetensors files differ; nothing if they do not."""
    first, second = (dict(deserialize(content)) for content in (old, new))
    if set(first) != set(second):
        return f"tensors {sorted(set(first) ^ set(second))} are in one file alone"
    return "; ".join(
        _compare_tensor(name, first[name], second[name]) for name in sorted(first) if first[name] != second[name]
    )


def _compare_tensor(name: str, one: dict[str, Any], other: dict[str, Any]) -> str:
    if (one["dtype"], one["shape"]) != (other["dtype"], other["shape"]):
        return f"tensor {name}: {one['dtype']} {one['shape']} is now {other['dtype']} {other['shape']}"
    if one["dtype"] not in _FLOATS:
        return f"tensor {name}"
    a, b = (np.frombuffer(entry["data"], _FLOATS[one["dtype"]]).astype(np.float64) for entry in (one, other))
    differing = (a != b) & ~(np.isnan(a) & np.isnan(b))
    return f"tensor {name}: {np.sum(differing)} of {len(a)} values, largest difference {np.abs(a - b).max()}"


def _compare_lines(old: bytes, new: bytes) -> str:
    """Say how two texts differ."""
    first, second = old.decode().splitlines(), new.decode().splitlines()
    if len(first) != len(second):
        return f"{len(first)} lines are now {len(second)}"
    rows = [row for row, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    return (
        f"{len(rows)} lines (line {rows[0] + 1}: {first[rows[0]]!r} is now {second[rows[0]]!r})"
        if rows
        else "line ends"
    )


def _compare_cells(old: bytes, new: bytes) -> str:
    """Say how the cells of two CSV files differ."""
    first, second = (list(csv.reader(io.StringIO(content.decode()))) for content in (old, new))
    if [len(row) for row in first] != [len(row) for row in second]:
        return _compare_lines(old, new)
    cells = [
        (first[0][place], row, a, b)
        for row, (left, right) in enumerate(zip(first, second, strict=True))
        for place, (a, b) in enumerate(zip(left, right, strict=True))
        if a != b
    ]
    if not cells:
        return _compare_lines(old, new)
    column, row, a, b = cells[0]
    return f"{len(cells)} cells (column {column}, line {row + 1}: {a} is now {b})"


_READERS = {
    ".parquet": _compare_tables,
    ".safetensors": _compare_tensors,
    ".csv": _compare_cells,
    ".md": _compare_lines,
}


def _other_bytes(name: str, old: bytes, new: bytes) -> str:
    """Name the entries of the records of making that differ."""
    first, second = (_record(name, content) for content in (old, new))
    differing = sorted(key for key in {*first, *second} if first.get(key) != second.get(key))
    return f"the same values, another {', '.join(differing) or 'encoding'}"


def _record(name: str, content: bytes) -> dict[str, str]:
    """What a file says of itself besides its values, flat."""
    if name.endswith(".parquet"):
        metadata = pq.read_schema(io.BytesIO(content)).metadata or {}
        stored = {key.decode(): value.decode(errors="replace") for key, value in metadata.items()}
    else:
        length = int.from_bytes(content[:8], "little")
        stored = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return {key: value for part, text in stored.items() for key, value in _flat(part, text)}


def _flat(part: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError:
        entries = text
    if isinstance(entries, dict):
        yield from ((f"{part}.{key}", json.dumps(value)) for key, value in entries.items())
    else:
        yield part, text


def main() -> None:
    """Compare two folders, print what differs, and exit 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--values", action="store_true", help="let the records of making differ")
    parser.add_argument("--without", nargs="+", default=[], metavar="COLUMN", help="leave these columns out")
    parser.add_argument(
        "--renamed", nargs="+", action="append", default=[], metavar="COLUMN", help="an old column, then its new ones"
    )
    options = parser.parse_args()
    for folder in (options.before, options.after):
        if not folder.is_dir():
            sys.exit(f"error: {folder} is not a folder")
    files, differences = compare(options.before, options.after, options.without, options.renamed)
    for difference in differences:
        print(difference)
    kinds = Counter(difference.kind for difference in differences)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{files} files: {files - len(differences)} the same to the byte{f', {told}' if told else ''}")
    if not files:
        sys.exit("error: nothing to compare")
    sys.exit(any(kind != "record" for kind in kinds) or (bool(kinds) and not options.values))


if __name__ == "__main__":
    main()
