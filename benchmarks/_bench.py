"""Shared parts of the benchmarks: alternating timings, ratios with their spread, goals, the machine's peaks.

Seconds depend on the machine and on what else it does; a ratio of two cases that ran in turn hardly does, so goals are
ratios.
"""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What is timed is the library of this checkout.
sys.path.insert(0, str(ROOT / "src"))

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from numprobe.atomic import write_json  # noqa: E402
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH, use_style  # noqa: E402

#: Where programs leave what they measured; not in git.
RESULTS = ROOT / "benchmarks" / "results"
_HEIGHT = 2.6

Times = Mapping[str, Sequence[float]]
Case = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """A measure without unit: its median over the repeats, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Goal:
    """A target that a program should reach.

    Attributes
    ----------
    name
        Short and unique within the program.
    text
        What is compared with what, in one line.
    target, measured
        The goal and what was measured.
    at_most
        Whether `measured` shall be at most the target, or at least.
    bound
        What limits the measure, from figures of the same run; shown where the goal is missed.
    """

    name: str
    text: str
    target: float
    measured: Ratio
    at_most: bool
    bound: str = ""

    @property
    def met(self) -> bool:
        """Return whether the median reaches the target."""
        return self.measured.median <= self.target if self.at_most else self.measured.median >= self.target


def arguments(description: str | None, repeats: int = 5) -> argparse.ArgumentParser:
    """A parser with what all programs have: `--repeats`."""
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    result.add_argument("--repeats", type=int, default=repeats, help="timings of each case")
    return result


def compare(cases: Mapping[str, Case], repeats: int = 5, warmup: int = 1) -> dict[str, list[float]]:
    """Seconds of each case in each repeat.

    The cases run in alternation (first, second, ..., first, ...), so that what the machine does besides falls on all
    of them alike. Warm-up rounds are not counted. A case on a GPU has to wait for its result itself.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(warmup + repeats):
        for name, case in cases.items():
            start = perf_counter()
            case()
            if turn >= warmup:
                seconds[name].append(perf_counter() - start)
    return seconds


def ratio(times: Times, case: str, baseline: str) -> Ratio:
    """Return the time of `case` over the time of `baseline`, repeat by repeat."""
    return spread([one / other for one, other in zip(times[case], times[baseline], strict=True)])


def spread(values: Sequence[float]) -> Ratio:
    """Median, lowest and highest of some repeats."""
    return Ratio(statistics.median(values), min(values), max(values))


def finish(
    name: str,
    table: Sequence[Mapping[str, object]],
    goals: Sequence[Goal],
    notes: Mapping[str, object],
    draw: Callable[[Figure], None],
    device: str = "cpu",
) -> None:
    """Print the table and the goals, and write `benchmarks/results/{name}.json`, `.png` and `.pdf`.

    Parameters
    ----------
    name
        Of the program.
    table
        Rows with the same columns: text, or numbers without rounding.
    goals
        Each with what was measured.
    notes
        `summary`: one paragraph on what was compared and found. Others: what a reader needs beside the table.
    draw
        Draws into an empty figure of the width of a page.
    device
        What the program ran on, `cpu` or `cuda`: its peaks go with the record.
    """
    use_style()
    figure = Figure(figsize=(PAGE_WIDTH, _HEIGHT), layout="constrained")
    draw(figure)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "pdf"):
        figure.savefig(RESULTS / f"{name}.{ending}")
    record = {
        "name": name,
        "machine": machine(),
        "roofline": roofline(device),
        # JSON is written with sorted keys.
        "columns": list(table[0]) if table else [],
        "table": [dict(row) for row in table],
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals],
        "notes": dict(notes),
    }
    write_json(RESULTS / f"{name}.json", record)
    print("\n".join([*markdown_table(table), "", *(_line(goal) for goal in goals)]))


def _line(goal: Goal) -> str:
    bound = f"at {'most' if goal.at_most else 'least'} {goal.target:g}"
    return f"{'met' if goal.met else 'MISSED'}: {goal.text}: goal {bound}, measured {goal.measured}"


def markdown_table(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The lines of a table in Markdown; numbers with three digits."""
    if not rows:
        return []
    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(row[column]) for column in head) + " |" for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def draw_ratios(
    axes: Axes, ratios: Mapping[str, Ratio], label: str, goal: float | None = None, logarithmic: bool = False
) -> None:
    """Horizontal bars with the spread of the repeats, a thin line at 1 (the baseline), dashes at the goal.

    On a logarithmic axis, where a bar would begin nowhere, points.
    """
    names = list(ratios)[::-1]
    medians = [ratios[name].median for name in names]
    below = [ratios[name].median - ratios[name].low for name in names]
    above = [ratios[name].high - ratios[name].median for name in names]
    if logarithmic:
        axes.errorbar(medians, names, xerr=[below, above], color="#56B4E9", ecolor="black", elinewidth=0.8, fmt="o")
        axes.set_xscale("log")
        axes.margins(y=0.2)
    else:
        axes.barh(names, medians, xerr=[below, above], color="#56B4E9", error_kw={"linewidth": 0.8})
    axes.axvline(1, color="black", linewidth=0.6)
    if goal is not None:
        axes.axvline(goal, color=NOTE_COLOUR, linewidth=0.8, linestyle="--")
    axes.set_xlabel(label)


@dataclass(frozen=True)
class Roofline:
    """Peak rates of the machine: floating-point operations per second by type, bytes copied per second.

    A copy of n bytes reads n and writes n, so it counts 2 n.
    """

    device: str
    flops: dict[str, float] = field(default_factory=dict)
    bytes_per_second: float = 0.0


@lru_cache
def roofline(device: str = "cpu") -> dict[str, Any]:
    """Peak of matrix products and of a copy in memory, measured now with torch, all its threads (about 1 s).

    The factors are random: some processors take less power, and so less time, for equal numbers.
    """
    import torch

    def best(case: Case) -> float:
        def waited() -> None:
            case()
            if device != "cpu":
                torch.cuda.synchronize()

        return min(compare({"": waited}, repeats=3)[""])

    size = 1024 if device == "cpu" else 8192
    types = [torch.float32, torch.float64, *([torch.bfloat16] if device != "cpu" else [])]
    flops = {}
    for dtype in types:
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        flops[str(dtype).removeprefix("torch.")] = 2 * size**3 / best(lambda a=left, b=right: a @ b)
    source = torch.ones(2**25 if device == "cpu" else 2**28, device=device)
    target = torch.empty_like(source)
    moved = 2 * source.nbytes / best(lambda: target.copy_(source))
    return asdict(Roofline(device, flops, moved))


def machine() -> dict[str, Any]:
    """Describe the machine that ran the benchmark: processor, cores, GPU, threads, versions."""
    import torch

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "torch": version("torch"),
    }


def _processor() -> str:
    """The name that Linux gives the processor, with its instruction family; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    about = dict(line.split(":", 1) for line in lines if ":" in line)
    named = {key.strip(): value.strip() for key, value in about.items()}
    return f"{named.get('model name', platform.machine())} (family {named.get('cpu family', '?')})"
