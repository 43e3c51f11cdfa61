"""Gains and harms of changed states, as grids of the sections of the experiments on manipulation."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.draw.rows import in_order
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Difference, Estimate, Grid, Share, cell_of, change_of
from numprobe.tell.tested import Tally, tallies
from numprobe.verdicts import Comparison, Margin, Verdict, by_bounds, by_rows, family_verdicts, untested

#: Differences that do not matter: of the share of wrong answers that are repaired, and of the accuracy.
REPAIRED = Margin(0.05, "five in a hundred errors")
ACCURACY = Margin(0.01, "one answer in a hundred")

_OPERATION = "operation="
_DIFFERENCES = ("accuracy_change",)


def reported(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with a value of the chosen layers and strengths, on the prompts that did not choose them."""
    return named_by_context(table.filter(pl.col("chosen"), pl.col("value").is_not_null(), part="test"))


def setting_grid(rows: pl.DataFrame, columns: Mapping[str, tuple[str, str]], keys: Sequence[str] = ("model",)) -> Grid:
    """Return one row per case: the chosen layer, strength, size and share of changed prompts, and some measurements.

    The share is left out where all prompts are changed.

    Parameters
    ----------
    rows
        What `reported` returned.
    columns
        Head -> metric (over all prompts) and control.
    keys
        Columns that tell the cases apart.
    """
    whole = rows.filter(subset="all")
    changed = ["changed"] if (whole["share"] < 1).any() else []
    lines: list[list[Any]] = []
    for part in whole.partition_by(*keys, maintain_order=True):
        own = part.filter(pl.col("strength").is_not_null(), control="none").row(0, named=True)
        setting = [
            own["layer"],
            own["strength"],
            Estimate(own["relative_norm"]),
            *(Share(own["share"]) for _ in changed),
        ]
        cells = [_cell(part, metric, control) for metric, control in columns.values()]
        lines.append([*(own[key] for key in keys), *setting, *cells])
    return Grid([*keys, "layer", "strength", "size", *changed, *columns], lines)


def operation_grid(rows: pl.DataFrame, metric: str, keys: Sequence[str] = ("model",)) -> Grid:
    """Return a measurement of the change itself by operation, one row per case; parameters as `setting_grid`."""
    subsets = in_order(rows.filter(pl.col("subset").str.starts_with(_OPERATION))["subset"])
    lines: list[list[Any]] = []
    for part in rows.partition_by(*keys, maintain_order=True):
        cells = [_cell(part.filter(subset=subset), metric, "none") for subset in subsets]
        lines.append([*(part[key][0] for key in keys), *cells])
    return Grid([*keys, *(subset.removeprefix(_OPERATION) for subset in subsets)], lines)


def over_controls(rows: pl.DataFrame, keys: Sequence[str] = ("model",)) -> tuple[dict[str, bool], dict[str, Tally]]:
    """Return for every case whether the change repairs more than each control, and the verdicts by control.

    Every comparison is a paired test on the same wrong answers; all cases and controls are one family.

    Parameters
    ----------
    rows
        What `reported` returned.
    keys
        Columns that tell the cases apart.
    """
    tested = rows.filter(metric="repaired_over_control").to_dicts()
    cases = [" ".join(row[key] for key in keys) for row in tested]
    comparisons = [compared(row, REPAIRED) for row in tested]
    ahead: dict[str, bool] = {}
    for case, found in zip(cases, family_verdicts(comparisons), strict=True):
        ahead[case] = ahead.get(case, True) and found == Verdict.HIGHER
    groups: dict[str, list[Comparison]] = {}
    for row, comparison in zip(tested, comparisons, strict=True):
        groups.setdefault(row["control"], []).append(comparison)
    return ahead, tallies(groups)


def compared(row: Mapping[str, Any], margin: Margin, reference: float = 0.0) -> Comparison:
    """Return the test of a row of a table of measurements against a number, by its interval (`by_bounds`)."""
    measured = _measured(row)
    return by_bounds(*measured, margin, reference) if measured else untested(row["value"] - reference, margin)


def rows_compared(
    row: Mapping[str, Any], other: Mapping[str, Any], margin: Margin, reference: float = 0.0
) -> Comparison:
    """Return the test of a row of a table of measurements against another, by their intervals (`by_rows`)."""
    first, second = _measured(row), _measured(other)
    if first and second:
        return by_rows(first, second, margin, reference)
    return untested(row["value"] - other["value"] - reference, margin)


def _measured(row: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return the value of a row and its bounds; None if it has no interval."""
    value, low, high = (row[name] for name in ("value", "ci_low", "ci_high"))
    return None if low is None or high is None else (value, min(low, value), max(high, value))


def _cell(part: pl.DataFrame, metric: str, control: str) -> Share | Difference | str | None:
    found = part.filter(metric=metric, control=control).to_dicts()
    if not found:
        return None
    return change_of(found[0]) if metric in _DIFFERENCES else cell_of(found[0])
