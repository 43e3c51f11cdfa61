"""Writing and reading states, against a plain copy of the same bytes to and from files that are flushed to disk."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from xxhash import xxh3_128_digest

from _bench import ROOT, Goal, arguments, compare, draw_ratios, finish, ratio
from numprobe.activations.columns import ITEM_BYTES, narrow
from numprobe.activations.store import read_states, write_activations

LAYERS, ROWS, WIDTH, BATCH = 4, 16384, 2048, 256
GOAL = 0.8
WRITE, WRITE_PLAIN, READ, READ_PLAIN = "write", "write, plain copy", "read", "read, plain copy"
CHECKSUM = "checksums of the same bytes, in memory"
COLD, COLD_PLAIN, COLD_NUMPY = "cold process to first layer", "cold process, plain file", "cold process, numpy alone"

States = Mapping[str, np.ndarray]


def make_states(dtype: str) -> dict[str, np.ndarray]:
    """Random states as they are stored, by layer."""
    rng = np.random.default_rng(0)
    return {str(layer): narrow(rng.standard_normal((ROWS, WIDTH), dtype="f4"), dtype) for layer in range(LAYERS)}


def write(folder: Path, states: States, dtype: str) -> None:
    """As the workflow does: in batches, flushed to disk, with checksums."""
    batches = (
        {layer: state[start : start + BATCH] for layer, state in states.items()} for start in range(0, ROWS, BATCH)
    )
    row = pl.int_range(ROWS, dtype=pl.UInt32, eager=True).alias("row")
    write_activations(
        folder, batches, layers=list(states), width=WIDTH, dtype=dtype, positions=pl.DataFrame([row]), details={}
    )


def read(folder: Path, states: States) -> None:
    """All layers, one after the other, as fits read them."""
    for layer in states:
        read_states(folder, layer)


def write_plain(folder: Path, states: States) -> None:
    """The bytes alone, one file per layer, flushed to disk."""
    for layer, state in states.items():
        with (folder / f"{layer}.bin").open("wb") as file:
            state.tofile(file)
            file.flush()
            os.fsync(file.fileno())


def read_plain(folder: Path, states: States) -> None:
    """The bytes alone, in the same way."""
    for layer, state in states.items():
        np.fromfile(folder / f"{layer}.bin", dtype=state.dtype)


def checksums(states: States) -> list[bytes]:
    """Return the least that the manifest's checksums cost."""
    return [xxh3_128_digest(state) for state in states.values()]


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def cold(program: str, *arguments: object) -> None:
    """Run a program in a new Python."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], env=environment, check=True)


def main() -> None:
    """Print and write the comparison."""
    repeats = arguments(__doc__).parse_args().repeats
    with TemporaryDirectory() as temporary:
        folders = {name: Path(temporary) / name for name in ("ours", "plain", *ITEM_BYTES)}
        for folder in folders.values():
            folder.mkdir()
        states = make_states("float16")
        ours, plain = folders["ours"], folders["plain"]
        times = compare(
            {
                WRITE: partial(write, ours, states, "float16"),
                WRITE_PLAIN: partial(write_plain, plain, states),
                CHECKSUM: partial(checksums, states),
            },
            repeats,
        )
        # The disk shall be done with what was written when readings are timed.
        os.sync()
        times |= compare(
            {
                READ: partial(read, ours, states),
                READ_PLAIN: partial(read_plain, plain, states),
                COLD: partial(cold, "import sys, numprobe; numprobe.read_states(sys.argv[1], '0')", ours),
                COLD_PLAIN: partial(cold, "import sys, numpy; numpy.fromfile(sys.argv[1])", plain / "0.bin"),
                COLD_NUMPY: partial(cold, "import numpy"),
            },
            repeats,
        )
        for dtype in ITEM_BYTES:
            write(folders[dtype], make_states(dtype), dtype)
        sizes = {dtype: size(folders[dtype]) / (LAYERS * ROWS * WIDTH) for dtype in ITEM_BYTES}
    table = [_row(name, seconds) for name, seconds in times.items()]
    ratios = {
        WRITE: ratio(times, WRITE_PLAIN, WRITE),
        READ: ratio(times, READ_PLAIN, READ),
    }
    sums = sorted(times[CHECKSUM])[len(times[CHECKSUM]) // 2]
    copied = sorted(times[WRITE_PLAIN])[len(times[WRITE_PLAIN]) // 2]
    bounds = {
        WRITE: f"Parquet's encoder and checksums, which alone take {sums / copied:.2f} of the time of the plain copy",
        READ: "opening: manifest and footer of each file, and checksums of all bytes",
    }
    goals = [
        Goal(name, f"{name}: bytes per second over those of the plain copy", GOAL, found, False, bounds[name])
        for name, found in ratios.items()
    ]
    elements = ", ".join(f"{dtype} {found:.4f}" for dtype, found in sizes.items())

    def draw(figure: Figure) -> None:
        draw_ratios(figure.subplots(), ratios, "throughput, times the plain copy", GOAL)

    summary = (
        f"{LAYERS} layers of {ROWS} x {WIDTH} float16. Writing includes batches of {BATCH} rows, flushing to disk, "
        "checksums and the manifest; the plain copy writes and flushes the same bytes; both read from the page cache. "
        "Where reading beats the plain copy, it is by alignment: some processors copy several times as fast between "
        "some places of a page as between others."
    )
    finish("storage", table, goals, {"summary": summary, "bytes on disk per component": elements}, draw)


def _row(name: str, seconds: list[float]) -> dict[str, object]:
    median = sorted(seconds)[len(seconds) // 2]
    moved = LAYERS * ROWS * WIDTH * 2 / median / 1e6
    return {"what": name, "seconds": median, "MB per second": "" if "cold" in name else moved}


if __name__ == "__main__":
    main()
