"""Accuracy over the layers, for every probe, model and context, and for the controls."""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    Panels,
    Place,
    chance_entries,
    curves_of,
    draw_level,
    draw_panels,
    fraction_axis,
    layer_entry,
    name_curves,
    name_ends,
    panels_by_context,
)
from numprobe.draw.panels import points as draw_points
from numprobe.draw.rows import MEASURED, VOCABULARY, is_not_applicable, with_values
from numprobe.draw.series import Series, kind_of_control, leading_probe, measured_accuracies, series_of
from numprobe.draw.style import CONTROLS, layer_label, probe_style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.probes.leading import SIDE_BY_SIDE
from numprobe.status import Status

_VALUES = "values="
#: Controls that are the same in all layers: what the most frequent number, and the last token alone, reach.
LEVELS = ("constant", "last_token")
#: Controls that are states of their own, with the leading probe fitted on them.
STATES = ("untrained", "mixed")
_COLUMNS = ("model", "context", "layer", "probe", "control", "subset", *MEASURED)
# How much wider a panel is that names subsets behind its lines.
_ROOM = 1.55


def accuracy(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the main probes over the layers with their controls, and the rows that it shows."""
    drawn = main_probes(accuracy_rows(tables["accuracy"], "probes"))
    return draw_accuracy(drawn, "probes", values["candidates"]), drawn


def other_probes(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all other probes over the layers, and the rows that it shows."""
    drawn = further_probes(accuracy_rows(tables["accuracy"], "probes"))
    return draw_accuracy(drawn, "probes", values["candidates"]), drawn


def controls(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the leading probe and its controls over the layers, and the rows that it shows."""
    drawn = accuracy_rows(tables["accuracy"], "controls")
    return draw_accuracy(drawn, "controls", values["candidates"]), drawn


def accuracy_rows(table: pl.DataFrame, what: str) -> pl.DataFrame:
    """The accuracies that the figure shows.

    Parameters
    ----------
    table
        The accuracy table (numprobe.tables.MEASUREMENT).
    what
        "probes": every probe, the leading probe on subsets of the values and on untrained and mixed states.
        "controls": the leading probe and its controls. Both with the controls `LEVELS` and the combinations that do
        not apply.
    """
    accuracies, leading = measured_accuracies(table)
    whole = pl.col("subset") == "all"
    constant = whole & pl.col("control").is_in(LEVELS)
    if what == "probes":
        part = pl.col("subset").str.starts_with(_VALUES) & (pl.col("probe") == leading)
        states = whole & (pl.col("probe") == leading) & kind_of_control().is_in(STATES)
        wanted = constant | states | ((pl.col("control") == "none") & (whole | part))
    else:
        wanted = constant | (whole & (pl.col("probe") == leading))
    return accuracies.filter(wanted | is_not_applicable()).select(_COLUMNS)


def main_probes(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the leading probe and its strongest rivals, and all controls: at most seven series."""
    return drawn.filter(_is_main(drawn))


def further_probes(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of all probes but the main ones, and the combinations that do not apply.

    Raises
    ------
    NumprobeError
        If no other probe was measured.
    """
    return with_values(drawn.filter(~_is_main(drawn) | is_not_applicable()), "probes other than the main ones")


def _is_main(drawn: pl.DataFrame) -> pl.Expr:
    main = [leading_probe(drawn), *SIDE_BY_SIDE]
    return is_not_applicable() | (pl.col("control") != "none") | pl.col("probe").is_in(main)


def draw_accuracy(drawn: pl.DataFrame, what: str, candidates: int | None = None) -> Figure:
    """Small multiples: a row per model, a column per context; x = layer, y = accuracy.

    Parameters
    ----------
    drawn
        What `accuracy_rows` returned.
    what
        "probes" or "controls".
    candidates
        How many numbers a probe chooses among; draws the chance level 1 / candidates.
    """
    figure, panels, rows = panels_by_context(drawn)
    series = series_of(drawn, tuple(CONTROLS) if what == "controls" else (*STATES, *LEVELS))
    if what == "controls":
        series = {name: series[name] for name in series if name in (leading_probe(drawn), *CONTROLS)}
    scale = partial(fraction_axis, near_zero=what == "controls")
    draw_panels(panels, rows, partial(_draw_panel, series=series), candidates, scale)
    named = _name_series(panels, rows, series)
    entries = _legend(drawn, {name: series[name] for name in series if name not in named}, candidates)
    return frame(figure, entries, 6, x="layer", y="accuracy")


def _draw_panel(axes: Axes, rows: pl.DataFrame, series: Series) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers, most=5)
    vocabulary = rows["context"][0] == VOCABULARY
    offsets = [(place - (len(series) - 1) / 2) * 0.8 / len(series) for place in range(len(series))]
    for offset, (style, condition) in reversed(list(zip(offsets, series.values(), strict=True))):
        measured = rows.filter(condition & pl.col("value").is_not_null())
        if vocabulary:
            draw_level(axes, measured, style)
            in_layers = measured.filter(pl.col("layer").is_not_null())
            draw_points(axes, [layers.index(name) + offset for name in in_layers["layer"]], in_layers, style)
        else:
            curves_of(axes, measured, layers, style)
    parts = rows.filter(pl.col("subset").str.starts_with(_VALUES) & pl.col("value").is_not_null())
    if not (parts.is_empty() or vocabulary):
        axes.set_xlim(right=(len(layers) - 0.5) * _ROOM)
    for part in parts.partition_by("subset", maintain_order=True):
        _draw_part(axes, part, layers, offsets[0] if vocabulary else None)
    if not vocabulary:
        _name_parts(axes, parts, layers)
    return _header(rows, series, vocabulary)


def _name_series(panels: Panels, rows: Mapping[Place, pl.DataFrame], series: Series) -> set[str]:
    """Write the names of the curves behind the last panel of each row, and return those that need no legend.

    A series needs one if a row that shows it does not name it, or, in a row of points alone, if no row names it.
    """
    named: set[str] = set()
    unnamed: set[str] = set()
    alone: set[str] = set()
    for model in dict.fromkeys(model for model, _ in panels):
        places = [place for place in panels if place[0] == model]
        shown = {name for place in places for name in _shown(rows[place], series)}
        curves = [place for place in places if place[1] != VOCABULARY and _shown(rows[place], series)]
        if not curves:
            alone |= shown
            continue
        behind = name_curves(panels[curves[-1]], rows[curves[-1]], series)
        named |= behind
        unnamed |= shown - behind
    return set(series) - unnamed - (alone - named)


def _shown(rows: pl.DataFrame, series: Series) -> list[str]:
    """Return the series that have a value."""
    measured = rows.filter(pl.col("value").is_not_null())
    return [name for name, (_, condition) in series.items() if measured.filter(condition).height]


def _draw_part(axes: Axes, part: pl.DataFrame, layers: Sequence[str], offset: float | None) -> None:
    """Draw the leading probe on some of the values: dashes at `offset`, or a line."""
    colour = probe_style(part["probe"][0]).colour
    x = pl.Series([layers.index(name) + (offset or 0) for name in part["layer"]], dtype=pl.Float64)
    part = part.with_columns(x=x).sort("x")
    line = {"linestyle": (0, (3, 1.5))} if offset is None else {"linestyle": "none", "marker": "_"}
    axes.plot(part["x"], part["value"], color=colour, linewidth=0.7, **line)


def _name_parts(axes: Axes, parts: pl.DataFrame, layers: Sequence[str]) -> None:
    """Write the values of each subset behind its line."""
    last = parts.filter(pl.col("layer").is_in(layer_order(parts["layer"])[-1:]))
    named = last.with_columns(pl.col("subset").str.strip_prefix(_VALUES).str.replace("..", "–", literal=True))
    ends = dict(named.select("subset", "value").iter_rows())
    colours = {name: probe_style(probe).colour for name, probe in named.select("subset", "probe").iter_rows()}
    name_ends(axes, ends, colours, x=1 / _ROOM)


def _header(rows: pl.DataFrame, series: Series, narrow: bool) -> list[str]:
    """Return the number of values tested, and the series of the legend that this panel lacks."""
    # The floor is there only where numbers are several tokens.
    series = {name: shown for name, shown in series.items() if name != "last_token"}
    most = 1 if narrow else 2
    counts: dict[int, list[str]] = {}
    missing = []
    for name, (_, condition) in series.items():
        if narrow and name == "mixed":
            continue  # no text, so nothing to mix
        tested = rows.filter(condition & pl.col("value").is_not_null())["n_values"].drop_nulls()
        if rows.filter(condition & pl.col("value").is_not_null()).is_empty():
            missing.append(name)
        elif not tested.is_empty() and name not in CONTROLS:
            counts.setdefault(int(tested.max()), []).append(name)  # type: ignore[arg-type]
    absent = ["without " + _short(missing, most)] if missing else []
    return [*_counts(counts, most), *absent, *_constant_states(rows)]


def _constant_states(rows: pl.DataFrame) -> list[str]:
    """Layers in which no probe can be fitted, because all states are the same vector."""
    constant = rows.filter(pl.col("value").is_null(), status=Status.CONSTANT_STATE)["layer"]
    return [f"constant state: {', '.join(map(layer_label, layer_order(constant)))}"] if len(constant) else []


def _counts(counts: dict[int, list[str]], most: int) -> list[str]:
    """The usual number of values first, then the series that were tested on other numbers of values."""
    usual = max(counts, key=lambda n: (len(counts[n]), n), default=None)
    first = [] if usual is None else [f"{usual} values"]
    return first + [f"{_short(names, most)}: {n} values" for n, names in counts.items() if n != usual]


def _short(names: Sequence[str], most: int) -> str:
    return ", ".join(names) if len(names) <= most else f"{len(names)} series"


def _legend(drawn: pl.DataFrame, series: Series, candidates: int | None) -> list[Line2D]:
    entries = [layer_entry(name, style, drawn.filter(condition)) for name, (style, condition) in series.items()]
    parts = drawn.filter(pl.col("subset").str.starts_with(_VALUES))
    if not parts.is_empty():
        name = parts["probe"][0]
        label = f"{name}, some of the values"
        entries.append(Line2D([], [], color=probe_style(name).colour, lw=0.7, ls=(0, (3, 1.5)), label=label))
    return [*entries, *chance_entries(candidates)]
