"""Gains and harms of changed states, as parts of the sections of the experiments on manipulation."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.draw.rows import in_order
from numprobe.tell.markdown import cell

_OPERATION = "operation="
_DIFFERENCES = ("accuracy_change",)


def reported(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the chosen layers and strengths on the prompts that did not choose them, those with a value."""
    return table.filter(pl.col("chosen") & (pl.col("part") == "test") & pl.col("value").is_not_null())


def setting_table(rows: pl.DataFrame, columns: Mapping[str, tuple[str, str]], keys: Sequence[str] = ("model",)) -> str:
    """One line per model: the chosen layer, strength and size, the share of the prompts changed, some measurements.

    The share is left out where all prompts are changed.

    Parameters
    ----------
    rows
        What `reported` returned.
    columns
        Head -> metric (over all prompts) and control.
    keys
        Columns that tell the lines apart.
    """
    whole = rows.filter(pl.col("subset") == "all")
    some_left_alone = bool((whole["share"] < 1).any())
    lines = []
    for part in whole.partition_by(*keys, maintain_order=True):
        own = part.filter((pl.col("control") == "none") & pl.col("strength").is_not_null()).row(0, named=True)
        setting = [own["layer"], f"{own['strength']:g}", f"{own['relative_norm']:.2f}"]
        setting += [f"{own['share']:.0%}"] if some_left_alone else []
        cells = [_cell(part, metric, control) for metric, control in columns.values()]
        lines.append([*(str(own[key]) for key in keys), *setting, *cells])
    changed = ["changed"] if some_left_alone else []
    return _markdown([*keys, "layer", "strength", "norms", *changed, *columns], lines)


def operation_table(rows: pl.DataFrame, metric: str, keys: Sequence[str] = ("model",)) -> str:
    """A measurement of the change itself by operation, one line per model; parameters as `setting_table`."""
    subsets = in_order(rows.filter(pl.col("subset").str.starts_with(_OPERATION))["subset"])
    lines = []
    for part in rows.partition_by(*keys, maintain_order=True):
        cells = [_cell(part.filter(pl.col("subset") == subset), metric, "none") for subset in subsets]
        lines.append([*(str(part[key][0]) for key in keys), *cells])
    return _markdown([*keys, *(subset.removeprefix(_OPERATION) for subset in subsets)], lines)


def beats_controls(rows: pl.DataFrame, metric: str, keys: Sequence[str] = ("model",)) -> tuple[int, int]:
    """In how many of all lines a measurement over all prompts lies above every control, the intervals apart."""
    whole = rows.filter((pl.col("metric") == metric) & (pl.col("subset") == "all"))
    apart = []
    for part in whole.partition_by(*keys, maintain_order=True):
        low = part.filter(pl.col("control") == "none").select(pl.coalesce("ci_low", "value").min()).item()
        high = part.filter(pl.col("control") != "none").select(pl.coalesce("ci_high", "value").max()).item()
        if low is not None and high is not None:
            apart.append(low > high)
    return sum(apart), len(apart)


def _cell(part: pl.DataFrame, metric: str, control: str) -> str:
    found = part.filter((pl.col("metric") == metric) & (pl.col("control") == control)).to_dicts()
    if not found:
        return ""
    return points(found[0]) if metric in _DIFFERENCES else cell(found[0])


def points(row: Mapping[str, Any]) -> str:
    """A difference of shares in points, "+value [low, high]"."""
    value, low, high = (
        None if row[name] is None else 100 * float(row[name]) for name in ("value", "ci_low", "ci_high")
    )
    return f"{value:+.1f}" if low is None else f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = ["| " + " | ".join(cells) + " |" for cells in (heads, *lines)]
    return "\n".join([rows[0], "|---" * len(heads) + "|", *rows[1:]]) + "\n"
