"""Draw every token, the whole number and the product of the tokens, over the layers."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import context_panels, curve, explain_empty, fraction_axis, legend_entry, name_curves, points
from numprobe.draw.published import published
from numprobe.draw.rows import checked, in_order, is_not_applicable, with_values
from numprobe.draw.series import Series
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, Style, series_styles, set_layer_axis
from numprobe.experiments.multi_token.preceding_figure import draw_preceding, preceding_rows
from numprobe.experiments.multi_token.superposition_figure import draw_superposition, superposition_rows
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

_WHOLE = ("joint_accuracy", "product_accuracy")
_COLUMNS = (
    "model", "control", "context", "tokens", "position", "chunk", "layer", "metric", "value", "ci_low", "ci_high",
    "resampled", "n_values", "n_prompts", "probe_layers", "status", "note",
)  # fmt: skip
_JOINT, _PRODUCT, _NEXT = Style("#000000", "o"), Style("#777777", "s", "--"), Style("#000000", "1", ":")
_PUBLISHED = Style("#D55E00", "x")
#: Name of the last position of the axis, for the choices of the folds, and the distance of its series.
_CHOSEN = "chosen"
_BESIDE = 0.28
_GAP = 0.5


def multi_token(tables: Tables, values: Values) -> Drawn:
    """Return the figure of numbers of several tokens, and the rows that it shows."""
    drawn = multi_token_rows(tables["multi_token"])
    return draw_multi_token(drawn), drawn


def preceding_tokens(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the tokens before the present one, and the rows that it shows."""
    drawn = preceding_rows(tables["preceding"])
    return draw_preceding(drawn), drawn


def superposition(tables: Tables, values: Values) -> Drawn:
    """Return the figure of several numbers in one vector, and the rows that it shows."""
    drawn = superposition_rows(tables["superposition"])
    return draw_superposition(drawn), drawn


def multi_token_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies that the figure shows; of the controls those at the chosen layer and position."""
    table = checked(table, [*MEASUREMENT, "position", "tokens", "chunk", "probe_layers"])
    plain = (pl.col("control") == "none") & pl.col("metric").is_in(["accuracy", *_WHOLE])
    controls = (pl.col("position") == "selected") & (pl.col("metric") == "joint_accuracy")
    rows = table.filter(((pl.col("subset") == "all") & (plain | controls)) | is_not_applicable())
    with_values(rows.filter(pl.col("metric").is_in(_WHOLE)), "metric joint_accuracy")
    return rows.select(_COLUMNS)


def draw_multi_token(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model and format, a column per number of tokens; x = layer, at the right the folds' choices."""
    rows = _panel_rows(drawn)
    counts = sorted(drawn["tokens"].drop_nulls().unique())
    columns = {f"{count} token{'s' * (count > 1)}": count for count in counts}
    figure, panels = context_panels(list(rows), list(columns))
    tokens = series_styles([_token_name(place) for place in range(max(counts))])
    paper = published("multi_token", in_order(drawn["model"]))
    for (row, column), axes in panels.items():
        model, form = rows[row]
        of_model = drawn.filter(model=model)
        here = of_model.filter(pl.col("context").eq_missing(pl.lit(form, pl.String)), tokens=columns[column])
        if row == next(iter(rows)):
            axes.set_title(column, fontweight="bold")
        fraction_axis(axes)
        if explain_empty(axes, here if here.height else of_model.filter(is_not_applicable())):
            continue
        layers = layer_order(of_model["layer"].drop_nulls())
        _draw_layers(axes, here.filter(control="none"), layers, tokens)
        chosen = here.filter(position="selected")
        _draw_chosen(axes, chosen, len(layers) + _GAP, paper.filter(model=model), form)
        if columns[column] > 1:
            name_curves(axes, here, _series(tokens))
    return frame(figure, _legend(drawn, paper), 4, x="layer", y="accuracy on unseen values")


def _series(tokens: dict[str, Style]) -> Series:
    """Return the curves of the single tokens."""
    read = (pl.col("metric") == "accuracy") & (pl.col("position") == "last") & (pl.col("control") == "none")
    return {name: (style, read & (pl.col("chunk") == place)) for place, (name, style) in enumerate(tokens.items())}


def _panel_rows(drawn: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    """Return label -> model and format; a model that is left out has one row without a format."""
    rows: dict[str, tuple[str, str | None]] = {}
    for model in in_order(drawn["model"]):
        formats = in_order(drawn.filter(pl.col("tokens").is_not_null(), model=model)["context"])
        if not formats:
            rows[model] = (model, None)
        rows |= {f"{model}\n{form}": (model, form) for form in formats}
    return rows


def _token_name(place: int) -> str:
    return "last token" if place == 0 else f"{place} before it"


def _draw_layers(axes: Axes, here: pl.DataFrame, layers: list[str], tokens: dict[str, Style]) -> None:
    set_layer_axis(axes, layers)
    at = {position: here.filter(position=position) for position in ("last", "next")}
    several = here["tokens"].max() != 1
    for place, style in enumerate(tokens.values()):
        part = at["last"].filter(metric="accuracy", chunk=place)
        if part.height and several:
            curve(axes, part, layers, style)
    if several:
        curve(axes, at["last"].filter(metric="product_accuracy"), layers, _PRODUCT)
    for position, style in (("next", _NEXT), ("last", _JOINT)):
        curve(axes, at[position].filter(metric="joint_accuracy"), layers, style)


def _draw_chosen(axes: Axes, here: pl.DataFrame, place: float, paper: pl.DataFrame, form: str | None) -> None:
    """Draw, at the right behind a line, the whole number where the folds chose to read it, and the controls there."""
    axes.axvline(place - 0.75, color=NOTE_COLOUR, linewidth=0.4)
    tokens = here["tokens"].max()
    plain = here.filter(control="none")
    points(axes, [place], plain.filter(metric="joint_accuracy"), _JOINT)
    if tokens != 1:
        points(axes, [place + _BESIDE], plain.filter(metric="product_accuracy"), _PRODUCT)
    for control in ("shuffled", "untrained", "constant"):
        measured = here.filter(control=control, metric="joint_accuracy")
        if measured.height:
            points(axes, [place - _BESIDE] * measured.height, measured, CONTROLS[control])
    told = paper.filter(metric=f"product of chunk accuracies, {tokens!s} chunks")
    if told.height and form == "second":
        axes.plot([place + _BESIDE], told["value"], color=_PUBLISHED.colour, marker=_PUBLISHED.marker, linestyle="none")
    # The last state's name would touch that of the choices.
    ticks = {x: text.get_text() for x, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)}
    ticks = {x: name for x, name in ticks.items() if name.isdecimal() or x < 0.8 * place} | {place: _CHOSEN}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlim(-0.5, place + 0.7)


def _legend(drawn: pl.DataFrame, paper: pl.DataFrame) -> list[Line2D]:
    entries = [
        legend_entry("whole number", _JOINT),
        legend_entry("product of its tokens", _PRODUCT),
        legend_entry("whole number, read one token later", _NEXT),
    ]
    present = set(drawn["control"])
    entries += [legend_entry(name, CONTROLS[name], line=False) for name in CONTROLS if name in present]
    told = paper.filter(pl.col("metric").str.starts_with("product"))
    return entries + ([legend_entry("published product", _PUBLISHED, line=False)] if told.height else [])
