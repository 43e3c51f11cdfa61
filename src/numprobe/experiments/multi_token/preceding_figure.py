"""Draw accuracy of tokens before the present one: probes beside a tuned lens, numbers beside words."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.frame import frame, remark
from numprobe.draw.panels import context_panels, explain_empty, fraction_axis, legend_entry, points
from numprobe.draw.published import published
from numprobe.draw.rows import checked, in_order, is_not_applicable, with_values
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, PROBES, Style
from numprobe.layers import layer_order
from numprobe.tables import MEASUREMENT

#: The readers, in the order of the legend.
READERS = {
    "fourier": PROBES["fourier"],
    "embedding": Style("#009E73", "v"),
    "lens": Style("#D55E00", "^"),
}
_NAMES = {"fourier": "fourier probe", "embedding": "embedding probe", "lens": "tuned lens"}
_KINDS = ("numbers", "words")
#: Published probe -> the reader whose colour it has.
_PUBLISHED = {
    "sinusoidal": "fourier",
    "tuned_lens": "lens",
}
_COLUMNS = (
    "model", "control", "layer", "kind", "offset", "reader", "value", "ci_low", "ci_high", "resampled", "n_values",
    "n_prompts", "candidates", "status", "note",
)  # fmt: skip
_STEP = 0.14


def preceding_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies that the figure shows."""
    table = checked(table, [*MEASUREMENT, "reader", "kind", "offset", "candidates"])
    rows = table.filter((pl.col("metric") == "accuracy") | is_not_applicable())
    return with_values(rows, "metric accuracy").select(_COLUMNS)


def draw_preceding(drawn: pl.DataFrame) -> Figure:
    """Draw a row per model and layer, a column for numbers and one for words; x = tokens back."""
    rows = _panel_rows(drawn)
    figure, panels = context_panels(list(rows), list(_KINDS))
    paper = published("multi_token", in_order(drawn["model"])).filter(context="preceding")
    for (row, kind), axes in panels.items():
        model, layer = rows[row]
        of_model = drawn.filter(model=model)
        here = of_model.filter(pl.col("layer").eq_missing(pl.lit(layer, pl.String)), kind=kind)
        if row == next(iter(rows)):
            axes.set_title(f"random {kind}", fontweight="bold", pad=12)
        fraction_axis(axes)
        if explain_empty(axes, here if here.height else of_model.filter(is_not_applicable())):
            continue
        _draw_readers(axes, here)
        _draw_published(axes, paper.filter(model=model), kind)
    return frame(figure, _legend(drawn, paper), 4, x="tokens back (0: the token itself)", y="accuracy on unseen tokens")


def _panel_rows(drawn: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    rows: dict[str, tuple[str, str | None]] = {}
    for model in in_order(drawn["model"]):
        layers = layer_order(drawn.filter(model=model)["layer"].drop_nulls())
        for layer in layers or [None]:  # type: ignore[list-item]
            rows[model if layer is None else f"{model}\nlayer {layer}"] = (model, layer)
    return rows


def _draw_readers(axes: Axes, here: pl.DataFrame) -> None:
    present = set(here["reader"])
    for place, (name, style) in enumerate(READERS.items()):
        if name not in present:
            continue
        shift = (place - 1) * _STEP
        of_reader = here.filter(reader=name).sort("offset")
        plain = of_reader.filter(pl.col("value").is_not_null(), control="none")
        x = (plain["offset"].cast(pl.Float64) + shift).to_list()
        points(axes, x, plain, style)
        axes.plot(x, plain["value"], color=style.colour, linewidth=0.8)
        for control in ("untrained", "shuffled"):
            part = of_reader.filter(pl.col("value").is_not_null(), control=control)
            at = (part["offset"].cast(pl.Float64) + shift).to_list()
            points(axes, at, part, Style(style.colour, CONTROLS[control].marker))
    constant = here.filter(reader="constant").sort("offset")
    axes.plot(constant["offset"], constant["value"], color=CONTROLS["constant"].colour, linewidth=0.8, linestyle="--")
    axes.set_xticks(sorted(here["offset"].drop_nulls().unique()))
    plain = here.filter(control="none")
    said = f"{plain['candidates'].max()!s} candidates, {plain['n_values'].max()!s} unseen tokens"
    remark(axes, said)


def _draw_published(axes: Axes, paper: pl.DataFrame, kind: str) -> None:
    told = {"numbers": "numbers", "words": "other tokens"}[kind]
    found = paper.filter(pl.col("metric").str.ends_with(f", {told}")).with_columns(
        offset=pl.col("metric").str.extract(r"offset (\d+)").cast(pl.Int64)
    )
    for name, reader in _PUBLISHED.items():
        part = found.filter(probe=name)
        axes.plot(part["offset"], part["value"], color=READERS[reader].colour, linestyle=":", marker="x", linewidth=0.6)


def _legend(drawn: pl.DataFrame, paper: pl.DataFrame) -> list[Line2D]:
    present = set(drawn["reader"].drop_nulls())
    entries = [legend_entry(_NAMES[name], style) for name, style in READERS.items() if name in present]
    for control in ("untrained", "shuffled"):
        if control in set(drawn["control"]):
            mark = Style("#000000", CONTROLS[control].marker)
            entries.append(legend_entry(f"{control} (in the reader's colour)", mark, line=False))
    entries.append(Line2D([], [], color=CONTROLS["constant"].colour, linestyle="--", label="most frequent token"))
    if paper.filter(pl.col("probe").is_in(list(_PUBLISHED))).height:
        entries.append(Line2D([], [], color=NOTE_COLOUR, linestyle=":", marker="x", label="published"))
    return entries
