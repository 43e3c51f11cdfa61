"""Figures of a number code learned on other models and read in a new one: over the layers, and by source."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.cells import draw_cells, numbered
from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.not_applicable import drawn_or_reasons
from numprobe.draw.panels import chance_entry, curve, draw_panels, legend_entry, panels_by_context, points
from numprobe.draw.rows import (
    MEASURED,
    VOCABULARY,
    checked,
    contexts_in_order,
    in_order,
    is_not_applicable,
    with_values,
)
from numprobe.draw.style import CONTROLS, PAGE_WIDTH, Style, set_layer_axis
from numprobe.layers import layer_order, middle_layer
from numprobe.tables import MEASUREMENT

#: Name in the legend -> style and (code, control) of its rows, in the order of the legend.
SERIES: Mapping[str, tuple[Style, tuple[str, str]]] = {
    "code of all other models": (Style("#0072B2", "o"), ("shared", "none")),
    "own code": (Style("#222222", "s", "--"), ("own", "none")),
    "code of shuffled models": (Style("#D55E00", "x", "--"), ("shuffled", "shuffled")),
    "random waves": (Style("#E69F00", "v", ":"), ("random", "random")),
    "all waves, no weights": (Style("#CC79A7", "D", "-."), ("unweighted", "unweighted")),
    "untrained model, code of the others": (CONTROLS["untrained"], ("shared", "untrained")),
}

_COLUMNS = ("model", "context", "layer", "control", "code", "source", *MEASURED)


def shared_code(tables: Tables, values: Values) -> Drawn:
    """Return the figure of every code over the layers, and what it shows."""
    draw = partial(draw_shared_code, candidates=values["candidates"])
    return drawn_or_reasons(tables["shared_code"], shared_code_rows, draw)


def shared_code_sources(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the codes of single models, and what it shows."""
    return drawn_or_reasons(tables["shared_code"], shared_code_rows, draw_sources)


def shared_code_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies on all numbers: every code in every state."""
    whole = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all")
    rows = checked(table, [*MEASUREMENT, "code", "source"]).filter(whole | is_not_applicable())
    return with_values(rows, "metric accuracy").select(_COLUMNS)


def draw_shared_code(drawn: pl.DataFrame, candidates: int) -> Figure:
    """Draw a row per target model, a column per context; x = layer, y = accuracy, one series per code."""
    figure, panels, rows = panels_by_context(drawn)
    draw_panels(panels, rows, _draw_panel, candidates)
    entries = [legend_entry(name, style) for name, (style, _) in SERIES.items()]
    label = "accuracy on numbers that no map and no code saw"
    return frame(figure, [*entries, chance_entry(candidates)], 3, x="layer", y=label)


def _draw_panel(axes: Axes, rows: pl.DataFrame) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers)
    vocabulary = rows["context"][0] == VOCABULARY
    for place, (style, (code, control)) in reversed(list(enumerate(SERIES.values()))):
        chosen = (pl.col("code") == code) & (pl.col("control") == control) & pl.col("value").is_not_null()
        measured = rows.filter(chosen)
        if vocabulary:
            offset = (place - (len(SERIES) - 1) / 2) * 0.8 / len(SERIES)
            points(axes, [layers.index(name) + offset for name in measured["layer"]], measured, style)
        else:
            curve(axes, measured, layers, style)
    count = rows["n_values"].drop_nulls().max()
    return [f"{count!s} numbers", *([] if vocabulary else [_learned(rows)])]


def _learned(rows: pl.DataFrame) -> str:
    """Return the models of the shared code, as text."""
    sources = rows.filter(code="shared")["source"].drop_nulls()
    return "learned on " + str(sources[0]).replace(" + ", ", ") if len(sources) else ""


def draw_sources(drawn: pl.DataFrame) -> Figure:
    """Draw matrices: a row per target model, a column per single model that lent its code, cells in per cent.

    One matrix for the embeddings and one for the middle block of each target in every other context; the column "own"
    is the target's own code, "all others" the shared one.
    """
    models, contexts = in_order(drawn["model"]), contexts_in_order(drawn["context"])
    sources = in_order(drawn.filter(code="one model")["source"])
    # As the rows where a model is both, so that a model's own cells lie on a diagonal.
    heads = [*(name for name in models if name in sources), *(name for name in sources if name not in models)]
    heads += ["all others", "own"]
    size = (PAGE_WIDTH, 1.2 + 0.26 * len(models) + 0.05 * max(map(len, heads)))
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(1, len(contexts), squeeze=False, sharey=True)[0]
    for axes, context in zip(grid, contexts, strict=True):
        cells = np.full((len(models), len(heads)), np.nan)
        for row, model in enumerate(models):
            rows = drawn.filter(model=model, context=context)
            for head, value in _by_source(rows):
                cells[row, heads.index(head)] = value
        _matrix(axes, cells, models, heads)
        axes.set_title(f"{context}: embedding" if context == VOCABULARY else f"{context}: middle block", fontsize=8)
    figure.supxlabel("code learned on", fontsize=7)
    figure.supylabel("read in", fontsize=7)
    return figure


def _by_source(rows: pl.DataFrame) -> list[tuple[str, float]]:
    """Return columns of the matrix with accuracies, at the embedding or the middle block of one model."""
    measured = rows.filter(pl.col("value").is_not_null(), control="none")
    if measured.is_empty():
        return []
    layers = measured["layer"].unique().to_list()
    shown = measured.filter(layer="embedding" if "embedding" in layers else middle_layer(layers))
    names = {"shared": "all others", "own": "own"}
    return [(names.get(row["code"], row["source"]), row["value"]) for row in shown.iter_rows(named=True)]


def _matrix(axes: Axes, cells: np.ndarray, models: Sequence[str], heads: Sequence[str]) -> None:
    draw_cells(axes, cells, numbered(cells), 6.5)
    axes.set_aspect("auto")
    axes.set_xticks(range(len(heads)), heads, rotation=90, fontsize=6.5)
    axes.set_yticks(range(len(models)), models, fontsize=6.5)
    axes.tick_params(length=0, pad=2)
