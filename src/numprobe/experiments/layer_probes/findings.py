"""Findings on every probe, layer by layer."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from numprobe.draw.rows import in_order
from numprobe.draw.series import leading_probe
from numprobe.draw.style import probe_order
from numprobe.tell.controls import highest_controls
from numprobe.tell.rows import beside_middle, in_probe_order, middle_rows, named_by_settings
from numprobe.tell.section import (
    Grid,
    Listed,
    Section,
    Share,
    Statement,
    beside,
    cell_of,
    cells_of,
    estimate_of,
    spread_out,
)

_PLACE = ["model", "context", "layer"]
_SHOWN = [*_PLACE, "probe", "reader", "value", "ci_low", "ci_high", "status", "note"]
_WHOLE = (pl.col("subset") == "all") & pl.col("fold").is_null() & pl.col("value").is_not_null()
_PLAIN, _EXACT = pl.col("control") == "none", pl.col("metric") == "accuracy"
_MAGNITUDES = ("linear", "log")

_BY_LAYER = "Exact accuracy of `{probe}` on unseen numbers:"
_AT_MIDDLE = (
    "All probes at the middle block, and controls of the leading one (probes trained by gradient descent are tested on "
    "fewer folds):"
)
_R2 = "R² there, of probes that hardly read a number exactly:"
_SELECTIVITY = "Selectivity there, on numbers seen in other prompts: the accuracy minus the accuracy on random labels:"
_TASK = "Accuracy on the random labels alone, which a probe can only memorise:"
_MEMORISED = (
    "The highest accuracy of {subject} on {comparison} is {highest}. So far a probe can memorise: accuracy on numbers "
    "that it has seen tells no code from a list; accuracy on unseen numbers, as everywhere else on this page, does."
)
_BEST = "{subject}: the accuracy is highest in layer {best_layer}, {best}, and lowest in layer {worst_layer}, {worst}."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on `accuracy`, and on `layer_probes` and `selectivity` where the study has them."""
    trained, selective = tables.get("layer_probes"), tables.get("selectivity")
    table = tables["accuracy"].filter(_WHOLE & pl.col("context").is_in(_contexts(trained, selective)))
    plain = table.filter(_PLAIN)
    leading = leading_probe(plain.filter(_EXACT))
    exact = table.filter(_EXACT, probe=leading)
    controls = exact.filter(~_PLAIN)
    parts = [
        _BY_LAYER.format(probe=leading),
        spread_out(exact.filter(_PLAIN), ["model", "context"], "layer"),
        _AT_MIDDLE,
        _at_middle(table.filter(_EXACT), trained, leading),
        *_magnitudes(plain),
        *([] if selective is None else _selectivity(selective)),
        *_extremes(exact.filter(_PLAIN)),
        *highest_controls(controls, in_order(controls["control"])),
    ]
    return Section("Every probe, layer by layer (`layer_probes`)", parts)


def _contexts(trained: pl.DataFrame | None, selective: pl.DataFrame | None) -> Sequence[str]:
    found = [table["context"] for table in (trained, selective) if table is not None]
    return pl.concat(found).unique(maintain_order=True).to_list() if found else ["operand", "result"]


def _at_middle(exact: pl.DataFrame, trained: pl.DataFrame | None, leading: str) -> Grid:
    """Return all probes and the leading one's controls; the experiment's own probes replace those of `accuracy`."""
    plain = exact.filter(_PLAIN).with_columns(reader="probe").select(_SHOWN)
    if trained is not None:
        own = trained.filter(_WHOLE & _EXACT & _PLAIN).with_columns(named_by_settings()).select(_SHOWN)
        replaced = ["model", "context", "probe"]
        plain = pl.concat([plain.join(own, on=replaced, how="anti", maintain_order="left"), own])
    controls = exact.filter(~_PLAIN & pl.col("probe").is_in([leading, "constant"])).with_columns(reader="control")
    shown = pl.concat([in_probe_order(plain), controls.select(_SHOWN)])
    return spread_out(beside_middle(shown), _PLACE, "reader")


def _magnitudes(plain: pl.DataFrame) -> Iterator[str | Grid]:
    """Yield the explained variance of the probes of magnitudes, where it was measured."""
    rows = middle_rows(plain.filter(metric="r2"))
    index = ["model", "context"]
    cells = {f"R² of {name}": cells_of(rows.filter(probe=name), index, estimate_of) for name in _MAGNITUDES}
    if any(cells.values()):
        yield _R2
        yield beside(index, cells)


def _selectivity(selective: pl.DataFrame) -> Iterator[str | Grid | Statement]:
    middle = in_probe_order(middle_rows(selective.filter(pl.col("value").is_not_null())))
    task = middle.filter(_EXACT, control="task")
    yield _SELECTIVITY
    yield spread_out(middle.filter(metric="selectivity"), _PLACE, "probe")
    yield _TASK
    yield spread_out(task, _PLACE, "probe")
    yield _memorised(task)


def _memorised(task: pl.DataFrame) -> Statement:
    """Return the highest accuracy of each probe on the random labels."""
    highest = {
        f"`{name}`": Share(float(task.filter(probe=name)["value"].to_numpy().max()))
        for name in probe_order(task["probe"])
    }
    return Statement("each probe", "the random labels", {"highest": Listed(highest)}, _MEMORISED)


def _extremes(exact: pl.DataFrame) -> Iterator[Statement]:
    """Yield the best and the worst layer of each model and context."""
    for part in exact.partition_by("model", "context", maintain_order=True):
        best = part.sort("value", descending=True, maintain_order=True).row(0, named=True)
        worst = part.sort("value", maintain_order=True).row(0, named=True)
        numbers = {
            "best_layer": best["layer"],
            "best": cell_of(best),
            "worst_layer": worst["layer"],
            "worst": cell_of(worst),
        }
        yield Statement(f"{best['model']}, `{best['context']}`", "", numbers, _BEST)
