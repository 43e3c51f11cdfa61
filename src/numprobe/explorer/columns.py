"""What the columns of a table of measurements are: quantity, intervals, and what tells its rows apart.

The rules hold for tables that no code knows of: an experiment names its columns as docs/files.md says.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from numprobe.draw.style import probe_order
from numprobe.errors import NumprobeError
from numprobe.layers import layer_order

#: The measured quantity.
QUANTITY = "value"
#: Columns that describe a measurement and never tell rows apart.
_DESCRIBING = (QUANTITY, "resampled", "n_values", "n_prompts", "status", "note")
#: Shared columns that are offered for choice, the usual ones first.
_SHARED = ("metric", "model", "context", "probe", "control", "layer", "site", "subset", "fold", "seed")
#: Values that come before the others of their column.
_FIRST = ("accuracy", "none", "all", "test", "residual", "default")
_LOW, _HIGH = "_low", "_high"
# Measures that lie between -1 and 1, or near, and are no shares.
_NO_SHARES = (
    "r2 mae loss validation_loss steps angle cka kappa iou overlap correlation spearman pearson agreement cosine auc "
    "distance bits amplitude participation scale_ratio mean_offset code_length compression"
).split()
_DIFFERENCES = ("difference", "_change", "_over_", "_lead", "excess_", "selectivity", "_minus_")


@dataclass(frozen=True)
class Interval:
    """Two columns with the bounds of the quantity, such as `ci_low` and `ci_high` of the interval `ci`."""

    name: str
    low: str
    high: str


def intervals_of(table: pl.DataFrame) -> list[Interval]:
    """Return the intervals of a table: each pair of numeric columns NAME_low and NAME_high, in the table's order."""
    names = [name.removesuffix(_LOW) for name in table.columns if name.endswith(_LOW)]
    pairs = [Interval(name, name + _LOW, name + _HIGH) for name in names if name + _HIGH in table.columns]
    return [pair for pair in pairs if table[pair.low].dtype.is_numeric() and table[pair.high].dtype.is_numeric()]


def dimensions_of(table: pl.DataFrame) -> list[str]:
    """Return the columns that tell the measurements of a table apart, those of all tables first.

    A further column belongs to them if more measurements differ with it than without: text first, then whole numbers,
    then others. What follows from the other columns, such as the p-value of a row, does not. A table without a quantity
    has only the shared columns.
    """
    measured = table.filter(pl.col(QUANTITY).is_not_null()) if QUANTITY in table.columns else table
    known = [name for name in _SHARED if name in table.columns]
    shared = [name for name in known if _varies(measured[name]) or _varies(table[name].drop_nulls())]
    if QUANTITY not in table.columns:
        return shared
    found, groups = list(shared), _groups(measured, shared)
    for name in sorted(_further(measured), key=lambda name: _rank(table[name].dtype)):
        if groups == measured.height:
            break
        if (more := _groups(measured, [*found, name])) > groups:
            found.append(name)
            groups = more
    return found


def _further(table: pl.DataFrame) -> list[str]:
    bounds = {column for interval in intervals_of(table) for column in (interval.low, interval.high)}
    known = {*_DESCRIBING, *_SHARED, *bounds}
    return [name for name in table.columns if name not in known and _varies(table[name])]


def _varies(column: pl.Series) -> bool:
    return column.n_unique() > 1


def _rank(kind: pl.DataType) -> int:
    return 1 if kind.is_integer() else 2 if kind.is_numeric() else 0


def _groups(table: pl.DataFrame, columns: list[str]) -> int:
    return table.select(columns).n_unique() if columns else min(table.height, 1)


def in_order(name: str, values: Iterable[str]) -> list[str]:
    """Return the different values of a column in the order in which the page offers them.

    States come in the order of the model, probes in that of the figures, others as given; values such as the control
    `none` come first.
    """
    different = list(dict.fromkeys(values))
    if name.endswith("layer"):
        states = layer_order(value for value in different if _is_state(value))
        return states + [value for value in different if value not in states]
    if name == "probe":
        return probe_order(different)
    return sorted(different, key=lambda value: _FIRST.index(value) if value in _FIRST else len(_FIRST))


def _is_state(name: str) -> bool:
    try:
        return bool(layer_order([name]))
    except NumprobeError:
        return False


def units_of(table: pl.DataFrame) -> dict[str, str]:
    """Return the unit of each metric: "share" (shown in per cent), "points" (a difference of shares) or "number".

    A metric is a share if its name does not say otherwise and all its values lie between 0 and 1.
    """
    if QUANTITY not in table.columns or "metric" not in table.columns:
        return {}
    ranges = table.group_by("metric", maintain_order=True).agg(low=pl.col(QUANTITY).min(), high=pl.col(QUANTITY).max())
    return {row["metric"]: _unit(**row) for row in ranges.drop_nulls().iter_rows(named=True)}


def _unit(metric: str, low: float, high: float) -> str:
    if any(word in metric for word in _NO_SHARES) or low < -1 or high > 1:
        return "number"
    return "points" if low < 0 or any(word in metric for word in _DIFFERENCES) else "share"
