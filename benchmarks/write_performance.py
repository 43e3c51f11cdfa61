"""Write docs/performance.md from the latest measurements of the benchmarks (`make bench`)."""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _bench import RESULTS, ROOT, markdown_table
from numprobe.atomic import atomic_path, read_json

# Order of the page; programs that are not listed come last.
_ORDER = (
    *("extraction", "allocation", "prefixes", "storage", "fitting"),
    *("streaming", "workflow_cost", "study_profile", "gpu", "gpu_fitting"),
)
_SUMMARY = "summary"
_HEAD = """# Performance

`make bench` writes this page from its measurements; no number is typed by hand. The cases of a comparison run
alternately in one process. A ratio is the median over the repeats, with the lowest and the highest in brackets. In
figures, a line marks the baseline and dashes mark the goal. Each program also runs alone, for example
`python benchmarks/fitting.py`.
"""


def page(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the whole page, made from the records of `_bench.finish`."""
    ordered = sorted(records, key=lambda record: (_place(record["name"]), record["name"]))
    parts = [_HEAD, *_machines(ordered), "## Goals\n", *_goals(ordered)]
    for record in ordered:
        parts += _section(record)
    return "\n".join(parts).rstrip() + "\n"


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _machines(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one paragraph per machine, with the programs that ran on it if there are several machines."""
    by_machine: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        by_machine.setdefault(_describe(record["machine"]), []).append(record)
    lines = ["## Machine\n"]
    for text, group in by_machine.items():
        programs = f" ({', '.join(record['name'] for record in group)})" if len(by_machine) > 1 else ""
        lines += [f"{text}{programs}. {_peak(group)}\n"]
    return lines


def _describe(machine: Mapping[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads{gpu}; Python"
        f" {machine['python']}, numpy {machine['numpy']}, torch {machine['torch']}"
    )


def _peak(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the highest peaks that any of the programs measured."""
    peaks = [record["roofline"] for record in records]
    flops = ", ".join(
        f"{max(peak['flops'][dtype] for peak in peaks) / 1e9:,.0f} GFLOP/s in {dtype}" for dtype in peaks[0]["flops"]
    )
    moved = max(peak["bytes_per_second"] for peak in peaks) / 1e9
    return f"Measured peaks: {flops}; {moved:.1f} GB/s in a copy (bytes read and written)."


def _goals(records: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [_goal_row(record["name"], goal) for record in records for goal in record["goals"]]
    missed = [
        f"- {goal['text']}: {goal['bound'] or 'its bound was not measured'}."
        for record in records
        for goal in record["goals"]
        if not goal["met"]
    ]
    bounds = ["\nBounds of the goals that are missed:\n", *missed] if missed else []
    return [*markdown_table(rows), *bounds, ""]


def _goal_row(program: str, goal: Mapping[str, Any]) -> dict[str, object]:
    measured = goal["measured"]
    return {
        "program": program,
        "what": goal["text"],
        "goal": f"{'<=' if goal['at_most'] else '>='} {goal['target']:g}",
        "measured": f"{measured['median']:.3g} ({measured['low']:.3g} to {measured['high']:.3g})",
        "met": "yes" if goal["met"] else "**no**",
    }


def _section(record: Mapping[str, Any]) -> list[str]:
    notes = record["notes"]
    lines = [f"## {record['name'].replace('_', ' ').capitalize()}\n", str(notes.get(_SUMMARY, "")), ""]
    rows = [{column: row[column] for column in record["columns"]} for row in record["table"]]
    lines += [*markdown_table(rows), "", f"![{record['name']}](performance/{record['name']}.png)", ""]
    others = [f"- {key}: {value}" for key, value in notes.items() if key != _SUMMARY]
    return [*lines, *others, ""] if others else lines


def main(options: argparse.Namespace) -> None:
    """Write the page and copy its figures, from the records of all benchmarks."""
    figures = options.output.parent / "performance"
    figures.mkdir(exist_ok=True)
    # Measurements that the last run did not repeat (without a GPU, for example) are kept.
    for path in [*RESULTS.glob("*.json"), *RESULTS.glob("*.png")]:
        shutil.copy(path, figures)
    records = [read_json(path) for path in sorted(figures.glob("*.json"))]
    with atomic_path(options.output) as temporary:
        temporary.write_text(page(records))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md", help="the page")
    main(parser.parse_args())
