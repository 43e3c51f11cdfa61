"""The comparisons of a claim, from collected tables or from the readings of single rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.claims.declare import Claim, Layers, Outcomes, Rows, Value, Where
from numprobe.clustered import change_bounds
from numprobe.errors import NumprobeError
from numprobe.layers import middle_layer
from numprobe.runs import MIXED_LAYER, Run
from numprobe.tables import read_table
from numprobe.verdicts import Comparison, Margin, by_bounds, by_level, by_rows

#: Names of the tests, as tables and pages show them.
PAIRED_ROWS = "score interval of the paired change, rows clustered by number"
TWO_ROWS = "intervals of two rows, taken as independent"
ONE_ROW = "interval of one row"
_READ = ("prompt", "start", "number", "label", "decoded", "layer", "probe", "control")
# Applies to rows of tables of measurements unless a claim names the column.
_PLAIN: Where = {"subset": "all", "site": "residual", "fold": None}


class Unanswerable(NumprobeError):
    """A claim that does not fit its table: a column is missing, or several rows are selected for one comparison."""


@dataclass(frozen=True)
class Compared:
    """A comparison of a claim, with its place.

    Attributes
    ----------
    model
        The model, or "one – other" of a pair.
    context, layer
        Null where the comparison has none.
    place
        Further columns that tell comparisons apart, as text.
    comparison
        The difference and its tests.
    test
        Name of the test.
    """

    model: str
    context: str | None
    layer: str | None
    place: str
    comparison: Comparison
    test: str


@dataclass(frozen=True)
class Readings:
    """Files of the readings of single rows, by run and context."""

    files: Mapping[tuple[str, str], Path]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "Readings":
        """Return the readings of files `{run}/{context}.parquet`."""
        return cls({(path.parent.name, path.stem): path for path in paths})

    def outcomes(self, run: str, context: str, probe: str, control: str) -> dict[str, pl.DataFrame]:
        """Return `prompt`, `start`, `number` and `right` of the rows that a probe read in each layer; maybe none."""
        path = self.files.get((run, context))
        if path is None:
            return {}
        rows = _readings(path).filter((pl.col("probe") == probe) & (pl.col("control") == control))
        return {str(part["layer"][0]): part for part in rows.partition_by("layer", maintain_order=True)}


@lru_cache(maxsize=4)
def _readings(path: Path) -> pl.DataFrame:
    table = read_table(path, _READ).select(*_READ)
    return table.with_columns(right=pl.col("decoded") == pl.col("label"))


def compare(
    claim: Claim, models: Iterable[str], tables: Mapping[str, pl.DataFrame], readings: Readings
) -> list[Compared]:
    """Return all comparisons of a claim; none where the study lacks what it compares.

    Parameters
    ----------
    claim
        The claim.
    models
        Models of the study.
    tables
        Collected tables by name.
    readings
        Readings of single rows.

    Raises
    ------
    Unanswerable
        If the claim selects several rows for one comparison, or names a column that its table lacks.
    """
    margin = Margin(claim.margin.value, claim.margin.reason)
    if isinstance(claim.compare, Outcomes):
        return [one for model in models for one in _by_outcomes(claim.compare, model, readings, margin)]
    if claim.tables - set(tables):
        return []
    if isinstance(claim.compare, Rows):
        return list(_by_two_rows(claim.compare, tables, margin))
    return list(_by_one_row(claim.compare, tables, margin))


def lacks_intervals(claim: Claim, model: str, tables: Mapping[str, pl.DataFrame]) -> bool:
    """Return whether a claim selects values of a model, or of a pair of models, but only ones without an interval."""
    wanted = claim.compare
    if isinstance(wanted, Outcomes) or wanted.table not in tables:
        return False
    rows = _selected(tables[wanted.table], wanted.where).filter(pl.col("value").is_not_null())
    own = [row for row in rows.iter_rows(named=True) if _model(row) == model]
    return bool(own) and all(row["ci_low"] is None or row["ci_high"] is None for row in own)


def _by_outcomes(wanted: Outcomes, model: str, readings: Readings, margin: Margin) -> Iterator[Compared]:
    for context in wanted.contexts:
        first, second = (_side(side, model, context, readings) for side in (wanted.first, wanted.second))
        if not first or not second:
            continue
        for layer in _chosen(first, wanted.first.get("layer") or wanted.layers):
            other = _other_layer(wanted, layer, second)
            if other not in second:
                continue
            pairs = first[layer].join(second[other], on=["prompt", "start"], suffix="_other")
            if pairs["number"].n_unique() > 1:
                yield Compared(model, context, layer, "", _change(pairs, margin), PAIRED_ROWS)


def _side(side: Mapping[str, str], model: str, context: str, readings: Readings) -> dict[str, pl.DataFrame]:
    run = str(Run(model, side.get("run", "none")))
    return readings.outcomes(run, context, side["probe"], side.get("control", "none"))


def _other_layer(wanted: Outcomes, layer: str, second: Mapping[str, pl.DataFrame]) -> str:
    """Return the layer that a layer is compared with: the same, unless the claim names one or the run has only one."""
    if "layer" in wanted.second:
        return next(iter(_chosen(second, wanted.second["layer"])), "")
    return MIXED_LAYER if wanted.second.get("run") == "mixed" else layer


def _chosen(layers: Iterable[str], which: str) -> list[str]:
    """Return the layers that a claim is about: by a name of `Layers`, else the one of that name."""
    names = list(layers)
    if which == "any" or which in names:
        return names if which == "any" else [which]
    numbered = sorted((name for name in names if name.isdecimal()), key=int)
    if which == "inner":
        return numbered[1:-1]
    if not numbered:
        return []
    found = {"middle": middle_layer(numbered), "first": numbered[0], "last": numbered[-1]}
    return [found[which]] if which in found else []


def _change(pairs: pl.DataFrame, margin: Margin) -> Comparison:
    """Return the comparison of two readings of the same rows, in which all numbers weigh alike."""
    number = np.unique(pairs["number"].to_numpy(), return_inverse=True)[1]
    weight = 1 / np.bincount(number)[number]
    after, before = (pairs[name].to_numpy().astype(bool) for name in ("right", "right_other"))
    estimate = float(weight @ (after.astype(np.float64) - before) / weight.sum())
    return by_level(estimate, lambda level: change_bounds(number, before, after, weight, level), margin)


def _by_two_rows(wanted: Rows, tables: Mapping[str, pl.DataFrame], margin: Margin) -> Iterator[Compared]:
    sides = []
    for side in (wanted.first, wanted.second):
        where = {**wanted.where, **side}
        table = tables[str(where.pop("table", wanted.table))]
        layers = "any" if "layer" in side else wanted.layers
        sides.append({_key(row, wanted.by): row for row in _rows(table, where, wanted.by, layers)})
    for key, first in sides[0].items():
        second = sides[1].get(key)
        if second is not None:
            comparison = by_rows(_measured(first), _measured(second), margin)
            yield _compared(first, wanted.by, comparison, TWO_ROWS)


def _by_one_row(wanted: Value, tables: Mapping[str, pl.DataFrame], margin: Margin) -> Iterator[Compared]:
    for row in _rows(tables[wanted.table], wanted.where, wanted.by, wanted.layers):
        comparison = by_bounds(*_measured(row), margin, wanted.reference)
        yield _compared(row, wanted.by, comparison, ONE_ROW)


def _rows(table: pl.DataFrame, where: Where, by: list[str], layers: Layers) -> list[dict[str, object]]:
    """Return the rows with a value and bounds that a claim selects, at most one per model and `by`."""
    missing = [name for name in (*where, *by) if name not in table.columns]
    if missing:
        raise Unanswerable(f"its table has no column {missing[0]!r}")
    found = _selected(table, where)
    found = found.filter(pl.all_horizontal(pl.col("value", "ci_low", "ci_high").is_not_null()))
    if layers != "any":
        parts = found.partition_by("model", maintain_order=True) if found.height else []
        kept = [
            part.filter(pl.col("layer").is_in(_chosen(part["layer"].drop_nulls().unique(), layers))) for part in parts
        ]
        found = pl.concat(kept) if kept else found
    rows = found.to_dicts()
    keys = [_key(row, by) for row in rows]
    if len(set(keys)) < len(keys):
        several = next(key for key in keys if keys.count(key) > 1)
        raise Unanswerable(f"it selects several rows for {', '.join(map(str, several))}")
    return rows


def _selected(table: pl.DataFrame, where: Where) -> pl.DataFrame:
    plain = {name: value for name, value in _PLAIN.items() if name in table.columns and name not in where}
    for name, value in {**plain, **where}.items():
        table = table.filter(_is(name, value))
    return table


def _is(name: str, value: object) -> pl.Expr:
    if value is None:
        return pl.col(name).is_null()
    return pl.col(name).is_in(value if isinstance(value, list) else [value])


def _key(row: Mapping[str, object], by: Iterable[str]) -> tuple[object, ...]:
    return (_model(row), *(row[name] for name in by))


def _model(row: Mapping[str, object]) -> str:
    names = [row["model"], row.get("other_model")]
    return " – ".join(str(name) for name in names if name is not None)


def _measured(row: Mapping[str, object]) -> tuple[float, float, float]:
    value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))  # type: ignore[arg-type]
    return value, min(low, value), max(high, value)


def _compared(row: Mapping[str, object], by: Iterable[str], comparison: Comparison, test: str) -> Compared:
    place = ", ".join(f"{name} {row[name]}" for name in by if name not in ("context", "layer"))
    context, layer = (None if row.get(name) is None else str(row[name]) for name in ("context", "layer"))
    return Compared(_model(row), context, layer, place, comparison, test)
