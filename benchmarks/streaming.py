"""Memory and time as prompts and layers grow: each job in a process of its own, as in the workflow."""

import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from _bench import Goal, Ratio, arguments, finish, spread
from _planted import SPLIT, planted_states

WIDTH, GROWTH = 256, 10
# Memory is flat within a tenth.
FLAT = 1.1
# The smallest jobs have several batches: below that, memory grows with what is in flight.
BATCH_TOKENS = 4096
FIT_ROWS, FIT_LAYERS, PER_VALUE, BLOCKS = 15_000, 1, 6, 2
#: Factors at which prompts and layers are measured.
PROMPTS, LAYERS = (1, 3, GROWTH), (1, 2, 4)
BASE, EXTRACTION, FIT = "imports alone", "extraction", "fit"
#: What a job imports before it does anything.
IMPORTS = {EXTRACTION: "numprobe.activations.context", FIT: "numprobe.probes.fit_closed_form"}
_CHUNK = 5_000
#: job, axis, factor -> (seconds, bytes) per repeat
Measured = dict[tuple[str, str, int], list[tuple[float, int]]]


def make_states(folder: Path, rows: int, layers: int) -> None:
    """An activation folder with planted states, written in chunks."""
    from numprobe.activations.store import write_activations

    states, values = planted_states(_CHUNK, WIDTH)
    names = [str(layer) for layer in range(layers)]

    def batches() -> Iterator[dict[str, np.ndarray]]:
        for _ in range(rows // _CHUNK):
            yield dict.fromkeys(names, states)

    row = pl.int_range(rows, dtype=pl.UInt32, eager=True).alias("row")
    numbers = pl.Series("number", np.tile(values, rows // _CHUNK), dtype=pl.Int32)
    positions = pl.DataFrame([row, numbers]).with_columns(text_split=pl.lit("train"))
    write_activations(folder, batches(), layers=names, width=WIDTH, dtype="float32", positions=positions, details={})


def fit(folder: Path) -> None:
    """The job of the rule fit_probes with two kinds of probes."""
    from numprobe.probes.dataset import training_rows
    from numprobe.probes.fit_closed_form import fit_closed_form

    fit_closed_form(training_rows(folder, SPLIT), SPLIT, ["fourier", "digits"], [], 0, {})


def make_model(folder: Path, blocks: int) -> None:
    """A random Llama with the tokenizer of the small models."""
    from numprobe.training.network import POSITIONS, build_network
    from numprobe.training.saving import save_model
    from numprobe.training.specification import Specification
    from numprobe.training.tokenizer import build_tokenizer

    tokenizer = build_tokenizer([], POSITIONS)
    shape = Specification(architecture="llama", steps=1, hidden_size=WIDTH, n_layers=blocks, mlp_size=2 * WIDTH)
    save_model(build_network(shape, len(tokenizer), 0), tokenizer, folder)


def make_table(path: Path, per_value: int) -> None:
    """A table of operand prompts."""
    from numprobe.prompts.contexts import make_prompts
    from numprobe.prompts.table import write_prompts

    table, metadata = make_prompts("operand", "operand", 0, 0, 999, {"per_value": per_value})
    write_prompts(path, table, metadata)


def extract(model: Path, prompts: Path) -> None:
    """The job of the rule extract_activations."""
    from numprobe.activations.context import Extraction, extract_context
    from numprobe.models.source import ModelSource

    source = ModelSource(kind="path", path=str(model))
    with TemporaryDirectory(dir=prompts.parent) as output:
        extract_context(Extraction("model", "operand", source, batch_tokens=BATCH_TOKENS), prompts, output, {})


def idle() -> None:
    """Run a job without its work."""


def in_process(name: str, job: Callable[[], None]) -> tuple[float, int]:
    """Seconds of a job, and the peak memory of its process in bytes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, IMPORTS[name], job).result()


def _measured(imports: str, job: Callable[[], None]) -> tuple[float, int]:
    import_module(imports)
    start = perf_counter()
    job()
    return perf_counter() - start, _peak()


def _peak() -> int:
    """Peak memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # In `ru_maxrss` a new process starts with the peak of the one that started it.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def jobs(folder: Path) -> dict[tuple[str, str, int], Callable[[], None]]:
    """All jobs, with the files that they read."""
    found: dict[tuple[str, str, int], Callable[[], None]] = {(name, BASE, 0): idle for name in IMPORTS}
    for factor in LAYERS:
        make_model(folder / f"model-{factor}", factor * BLOCKS)
        make_states(folder / f"layers-{factor}", FIT_ROWS, factor * FIT_LAYERS)
    for factor in PROMPTS:
        make_table(folder / f"prompts-{factor}.parquet", factor * PER_VALUE)
        make_states(folder / f"rows-{factor}", factor * FIT_ROWS, FIT_LAYERS)
        found[EXTRACTION, "prompts", factor] = partial(
            extract, folder / "model-1", folder / f"prompts-{factor}.parquet"
        )
        found[FIT, "prompts", factor] = partial(fit, folder / f"rows-{factor}")
    # One times the layers is one times the prompts.
    for factor in LAYERS[1:]:
        found[EXTRACTION, "layers", factor] = partial(extract, folder / f"model-{factor}", folder / "prompts-1.parquet")
        found[FIT, "layers", factor] = partial(fit, folder / f"layers-{factor}")
    return found


def line(measured: Measured, job: str, axis: str) -> tuple[float, float]:
    """Fixed seconds and seconds per unit of a straight line through the smallest and the largest factor."""
    factors = sorted(factor for name, along, factor in measured if (name, along) == (job, axis))
    low, high = (median(seconds for seconds, _ in measured[job, axis, factors[end]]) for end in (0, -1))
    slope = (high - low) / (factors[-1] - factors[0])
    return low - slope * factors[0], slope


def growth(measured: Measured, job: str, axis: str, of: int, units: int = 1) -> Ratio:
    """Return the seconds (`of` 0) or bytes (1) of the largest factor over those of the smallest, for each unit."""
    factors = sorted(factor for name, along, factor in measured if (name, along) == (job, axis))
    pairs = zip(measured[job, axis, factors[-1]], measured[job, axis, factors[0]], strict=True)
    return spread([large[of] / small[of] / units for large, small in pairs])


def per_row(measured: Measured, job: str) -> float:
    """Kilobytes by which the peak grows with each further row."""
    rows = FIT_ROWS if job == FIT else PER_VALUE * 1000
    small, large = (median(peak for _, peak in measured[job, "prompts", factor]) for factor in (1, GROWTH))
    return (large - small) / (GROWTH - 1) / rows / 1000


def goals(measured: Measured) -> list[Goal]:
    """Flat memory, and time that grows at most as fast as what is asked for."""
    found = []
    for job in (EXTRACTION, FIT):
        text = f"{job}: peak memory at {GROWTH} x the prompts, times that at 1 x"
        kept = f"tables of prompts and positions, {per_row(measured, job):.2f} kB for each further row"
        found.append(Goal(f"{job} memory", text, FLAT, growth(measured, job, "prompts", 1), True, kept))
        for axis, largest in (("prompts", PROMPTS[-1]), ("layers", LAYERS[-1])):
            fixed, slope = line(measured, job, axis)
            bound = f"{fixed:.2f} s fixed and {slope:.2f} s for each unit"
            text = f"{job}: seconds per unit at {largest} x the {axis}, times those at 1 x"
            ratio = growth(measured, job, axis, 0, largest)
            found.append(Goal(f"{job} {axis}", text, 1, ratio, True, bound))
    return found


def table(measured: Measured) -> list[dict[str, object]]:
    """One row per job."""
    return [
        {
            "job": job,
            "grown": f"{factor} x {axis}" if factor else axis,
            "seconds": str(spread([seconds for seconds, _ in repeats])),
            "peak MiB": str(spread([peak / 2**20 for _, peak in repeats])),
            "fixed s": float(line(measured, job, axis)[0]) if factor else "",
        }
        for (job, axis, factor), repeats in measured.items()
    ]


def draw(figure: Figure, measured: Measured) -> None:
    """Seconds and memory against what grows."""
    panels = figure.subplots(1, 3)
    for panel, (axis, of, label) in zip(
        panels, [("prompts", 0, "seconds"), ("layers", 0, "seconds"), ("prompts", 1, "peak MiB")], strict=True
    ):
        for job, marker, colour in ((EXTRACTION, "o", "#0072B2"), (FIT, "s", "#D55E00")):
            factors = [factor for name, along, factor in measured if (name, along) == (job, axis)]
            scale = 2**20 if of else 1
            medians = [median(repeat[of] for repeat in measured[job, axis, factor]) / scale for factor in factors]
            panel.plot(factors, medians, marker=marker, color=colour, label=job)
            if of:
                alone = median(repeat[of] for repeat in measured[job, BASE, 0]) / scale
                panel.axhline(alone, color=colour, linestyle="--", linewidth=0.8, label=f"{job}, {BASE}")
        panel.set_xlabel(f"{axis}, times the smallest")
        panel.set_ylabel(label)
        # The legend stands above the lines.
        panel.set_ylim(0, panel.get_ylim()[1] * (1.7 if of else 1))
    panels[2].legend(loc="upper left")


def main(repeats: int) -> None:
    """Every job in turn, `repeats` times."""
    with TemporaryDirectory() as name:
        found = jobs(Path(name))
        measured: Measured = {place: [] for place in found}
        for _ in range(repeats):
            for place, program in found.items():
                measured[place].append(in_process(place[0], program))
        for job in (EXTRACTION, FIT):
            measured[job, "layers", LAYERS[0]] = measured[job, "prompts", PROMPTS[0]]
        measured = dict(sorted(measured.items()))
    notes = {
        "memory": "; ".join(
            f"{job}: {per_row(measured, job):.2f} kB for each further row" for job in (EXTRACTION, FIT)
        ),
        "summary": (
            f"Extraction of {PER_VALUE * 1000:,} prompts from a Llama of width {WIDTH} and {BLOCKS} blocks,"
            f" {BATCH_TOKENS:,} tokens in a batch, and the fit of two kinds of probes in ten folds on {FIT_ROWS:,} rows"
            f" and {FIT_LAYERS} layers, then on more. Each job runs in a process of its own, extraction on all cores, a"
            " fit on one: its memory is the peak of the process, its time is without start and imports."
        ),
    }
    finish("streaming", table(measured), goals(measured), notes, partial(draw, measured=measured))


if __name__ == "__main__":
    main(arguments(__doc__, repeats=2).parse_args().repeats)
