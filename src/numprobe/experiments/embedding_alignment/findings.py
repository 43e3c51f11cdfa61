"""The section on number embeddings that are moved to the fitted code."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.draw.rows import in_order
from numprobe.tell.independent import independent
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Estimate, Grid, Part, Section, Statement, cell_of, change_of
from numprobe.tell.tested import tallies
from numprobe.verdicts import Margin, by_bounds, by_rows

_TITLE = "Number embeddings moved to the fitted code (`embedding_alignment`)"
_HEADING = """The embedding row of every number goes part of the way (`strength`) to the row that the code predicts for
it, fitted on other numbers. In rows `input`, only what the model reads changes; in rows `input, output`, the rows that
score its answers change too. The prompts of half of the true results choose the strength, for every control anew; the
table is about the other half. `size` is the length of the change in units of the row's distance from the mean row. The
last columns are the changes under the controls."""
_OPERATIONS = "By operation, repaired and harmed:"
_NOTHING = "No model was asked a question about a number whose row could be moved."

_READ = (
    "{subject}: the probe of their fold reads {before} % of the unseen numbers in the input rows as they are, and "
    "{after} % in the moved rows (a check: this must rise)."
)
_MEANING = (
    "Over {subject}: right answers with aligned rows, against {comparison}: {change}. Against the controls "
    "({controls}): {over_controls}."
)

_MARGIN = Margin(0.01, "one right answer in a hundred, less than a training varies by")
_CONTROLS = ("wrong number", "random direction", "principal components")
_VARIANTS = {"input": "input", "both": "input, output"}
_GAIN_AND_HARM = ("repaired", "harmed")

Row = Mapping[str, Any]
#: Model, rows that move, and control -> metric -> row.
Run = tuple[str, str, Mapping[str, Mapping[str, Row]]]


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `embedding_alignment`."""
    table = named_by_context(tables["embedding_alignment"].filter(pl.col("value").is_not_null()))
    chosen = table.filter(pl.col("chosen"), part="test")
    if chosen.is_empty():
        return Section(_TITLE, [_HEADING, _NOTHING])
    runs = list(_runs(chosen.filter(subset="all")))
    heads = ["model", "rows", "strength", "size", "right before", "change", *_GAIN_AND_HARM, *_CONTROLS]
    grids: list[Part] = [Grid(heads, [_line(*run) for run in runs]), _OPERATIONS, _by_operation(chosen)]
    counted = list(_runs(independent(chosen.filter(subset="all"), "context")))
    return Section(_TITLE, [_HEADING, *grids, *_read(table, runs), _meaning(counted)])


def _runs(rows: pl.DataFrame) -> Iterator[Run]:
    for part in rows.partition_by("model", "site", maintain_order=True):
        controls = {
            own["control"][0]: {row["metric"]: row for row in own.iter_rows(named=True)}
            for own in part.partition_by("control", maintain_order=True)
        }
        yield part["model"][0], _VARIANTS[part["site"][0]], controls


def _line(name: str, variant: str, controls: Mapping[str, Mapping[str, Row]]) -> list[Any]:
    own = controls["none"]
    change = own["accuracy_change"]
    size = [change["strength"], Estimate(change["relative_norm"]), cell_of(own["accuracy_before"]), change_of(change)]
    shares = [cell_of(own[metric]) if metric in own else None for metric in _GAIN_AND_HARM]
    others = [change_of(controls[name]["accuracy_change"]) if name in controls else None for name in _CONTROLS]
    return [name, variant, *size, *shares, *others]


def _by_operation(chosen: pl.DataFrame) -> Grid:
    own = chosen.filter(pl.col("subset").str.starts_with("operation="), control="none")
    subsets, lines = in_order(own["subset"]), []
    shown = own.filter(pl.col("metric").is_in(_GAIN_AND_HARM))
    for part in shown.partition_by("model", "site", maintain_order=True):
        cells = {(row["subset"], row["metric"]): cell_of(row) for row in part.iter_rows(named=True)}
        place = [part["model"][0], _VARIANTS[part["site"][0]]]
        lines += [[*place, metric, *(cells.get((subset, metric)) for subset in subsets)] for metric in _GAIN_AND_HARM]
    return Grid(["model", "rows", "", *(f"`{name.removeprefix('operation=')}`" for name in subsets)], lines)


def _read(table: pl.DataFrame, runs: Sequence[Run]) -> Iterator[Statement]:
    """Yield what the probe reads in the input rows, as they are and at the strength that was chosen for them."""
    read = table.filter(metric="embedding_accuracy", control="none", layer="embedding")
    for name, variant, controls in runs:
        strength = controls["none"]["accuracy_change"]["strength"]
        before, after = (read.filter(model=name, strength=part) for part in (0.0, strength))
        if variant == _VARIANTS["input"] and after.height:
            numbers = {key: cell_of(rows.row(0, named=True)) for key, rows in (("before", before), ("after", after))}
            yield Statement(name, "the rows as they are", numbers, _READ)


def _meaning(runs: Sequence[Run]) -> Statement:
    """Return what the tests say of aligned rows, against the rows as they are and against each control."""
    changes = [by_bounds(*_bounds(controls["none"]["accuracy_change"]), _MARGIN) for *_, controls in runs]
    over = [
        by_rows(_bounds(controls["none"]["accuracy_change"]), _bounds(controls[name]["accuracy_change"]), _MARGIN)
        for *_, controls in runs
        for name in _CONTROLS
        if name in controls
    ]
    counts = tallies({"change": changes, "over_controls": over})
    numbers = {**counts, "controls": ", ".join(_CONTROLS)}
    return Statement("models and rows", "the rows as they are", numbers, _MEANING)


def _bounds(row: Row) -> tuple[float, float, float]:
    """Return value and bounds of a change; without an interval it tells nothing: the bounds are the widest."""
    low, high = (end if row[name] is None else row[name] for name, end in (("ci_low", -1.0), ("ci_high", 1.0)))
    return float(row["value"]), float(low), float(high)
