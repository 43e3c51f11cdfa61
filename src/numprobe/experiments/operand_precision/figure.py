"""Errors against the precision of operands: by whether probes read them, against matched operands, and graded."""

from collections.abc import Mapping

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import faint_grid, in_per_cent
from numprobe.draw.not_applicable import drawn_or_reasons
from numprobe.draw.panels import bars, explain_empty, legend_entry, points, separate_panels, title_columns
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import VOCABULARY, checked, in_order, is_not_applicable, over_all_folds, with_values
from numprobe.draw.style import NOTE_COLOUR, Style, probe_order, set_layer_axis
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

_TITLES = ("share of wrong answers", "difference", "correlation with precision")
_GROUPS: Mapping[str, Style] = {
    "all decodable": Style("#56B4E9", "o"),
    "some non-decodable": Style("#D55E00", "o"),
    "matched control": Style("#0072B2", "s"),
    "non-decodable operand": Style("#882255", "s"),
}
_CHANGES: Mapping[str, Style] = {
    "error_difference": Style("#888888", "D"),
    "matched_difference": Style("#000000", "s"),
}
_CHANGE_LABELS = {"error_difference": "raw difference", "matched_difference": "difference to matched controls"}
_AT_EMBEDDING, _AT_TOKEN, _NULL_COLOUR = Style("#009E73", "D"), Style("#009E73", "o"), "#bbbbbb"
_OURS = pl.col("source") == THIS_STUDY
_PREFIX = "error rate, "
_COLUMNS = (
    "model", "control", "context", "layer", "probe", "numbers", "subset", "metric", "value", "ci_low", "ci_high",
    "resampled", "n_values", "n_prompts", "p_value", "status", "note", "source",
)  # fmt: skip


def operand_precision(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    return drawn_or_reasons(tables["operand_precision"], operand_precision_rows, draw_operand_precision)


def operand_precision_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows drawn: sums and differences together, and published error rates of these models."""
    rows = over_all_folds(checked(table, [*MEASUREMENT, "numbers", "p_value"])).filter(subset="all")
    rows = rows.with_columns(source=pl.lit(THIS_STUDY)).select(_COLUMNS)
    with_values(rows, "error rates or correlations")
    past = published("operand_precision", in_order(rows["model"])).filter(pl.col("metric").str.starts_with(_PREFIX))
    named = past.select(
        "model", "context", "layer", "probe", "value", "source", pl.lit("none").alias("control"),
        pl.col("metric").str.strip_prefix(_PREFIX).alias("numbers"), pl.lit("error_rate").alias("metric"),
        pl.lit("all").alias("subset"), pl.col("n").cast(pl.UInt32).alias("n_prompts"),
        pl.lit(Status.MEASURED).alias("status"),
    )  # fmt: skip
    return pl.concat([rows, named], how="diagonal")


def draw_operand_precision(drawn: pl.DataFrame) -> Figure:
    """Draw a row of panels per model: error rates by probe, their differences, and correlations layer by layer."""
    models = in_order(drawn["model"])
    figure, panels = separate_panels(models, _TITLES, 1.45 * len(models) + 1.8, [1.25, 1, 1.1])
    headers = {}
    for model in models:
        row = [panels[model, title] for title in _TITLES]
        rates, differences, correlations = row
        rows = drawn.filter(model=model)
        if all([explain_empty(axes, rows) for axes in row]):
            continue
        _draw_groups(rates, differences, rows)
        _draw_correlations(correlations, rows)
        headers[model, _TITLES[0]] = _counts(rows)
    title_columns(panels, headers)
    for place, entries in zip(("left", "center", "right"), _legends(drawn), strict=True):
        figure.legend(handles=entries, loc=f"outside lower {place}", fontsize=6, ncols=1)
    return figure


def _draw_groups(rates: Axes, differences: Axes, rows: pl.DataFrame) -> None:
    groups = rows.filter(pl.col("metric").is_in(["error_rate", *_CHANGES]))
    probes = probe_order(groups["probe"].drop_nulls())
    differences.axvline(0, color="#999999", linewidth=0.6)
    for height, probe in enumerate(probes):
        mine = groups.filter(pl.col("n_prompts").is_not_null(), probe=probe)
        for place, (name, style) in enumerate(_GROUPS.items()):
            of = mine.filter(metric="error_rate", numbers=name)
            at = height + 0.17 * (place - 1.5)
            bars(rates, at, of.filter(_OURS), style)
            past = of.filter(~_OURS)["value"]
            rates.plot(past, [at] * len(past), "x", color=style.colour, markersize=4.5, markeredgewidth=0.9)
        for place, (metric, style) in enumerate(_CHANGES.items()):
            bars(differences, height + 0.3 * (place - 0.5), mine.filter(metric=metric), style)
        _explain(rates, height, groups.filter(is_not_applicable(), probe=probe), mine)
    for axes in (rates, differences):
        axes.set_ylim(len(probes) - 0.5, -0.5)
        axes.set_yticks(range(len(probes)), probes if axes is rates else [""] * len(probes))
        faint_grid(axes, "x")
        axes.locator_params(axis="x", nbins=5)
        in_per_cent(axes.xaxis)
    rates.set_xlim(left=-0.03 * rates.get_xlim()[1])
    widest = max(0.05, *map(abs, differences.get_xlim()))
    differences.set_xlim(-widest, widest)


def _explain(axes: Axes, height: float, without: pl.DataFrame, measured: pl.DataFrame) -> None:
    """Say beside a probe why it has no groups."""
    if measured.is_empty() and without.height:
        reason = without["note"][0]
        axes.text(
            0.03, height, reason, transform=axes.get_yaxis_transform(), va="center", fontsize=5.5, color=NOTE_COLOUR
        )


def _draw_correlations(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw matched correlations over the states, with the range of the permutations."""
    mine = rows.filter(metric="error_correlation_matched")
    if explain_empty(axes, mine):
        return
    layers = layer_order(mine["layer"])
    set_layer_axis(axes, layers, most=8)
    axes.axhline(0, color="#999999", linewidth=0.6)
    faint_grid(axes)
    null, plain = (mine.filter(control=control) for control in ("shuffled", "none"))
    for layer, low, high in null.select("layer", "ci_low", "ci_high").rows():
        x = layers.index(layer)
        axes.fill_between([x - 0.35, x + 0.35], low, high, color=_NULL_COLOUR, alpha=0.5, lw=0)
    for context in in_order(plain["context"]):
        part = plain.filter(pl.col("value").is_not_null(), context=context)
        style = _AT_EMBEDDING if context == VOCABULARY else _AT_TOKEN
        points(axes, [layers.index(layer) for layer in part["layer"]], part, style)
    widest = max(0.2, *map(abs, axes.get_ylim()))
    axes.set_ylim(-widest, widest)


def _counts(rows: pl.DataFrame) -> list[str]:
    """Return the number of numbers that each probe cannot read."""
    shares = rows.filter(metric="non_decodable").select("probe", "value", "n_values").rows()
    counts = [f"{probe} {round(value * tested)} of {tested}" for probe, value, tested in shares]
    return [f"non-decodable: {', '.join(counts)}"] if counts else []


def _legends(drawn: pl.DataFrame) -> list[list[Artist]]:
    """Return the entries of each column."""
    rates: list[Artist] = [legend_entry(name, style, line=False) for name, style in _GROUPS.items()]
    if drawn.filter(~_OURS).height:
        rates.append(legend_entry("published", Style(NOTE_COLOUR, "x"), line=False))
    differences: list[Artist] = [
        legend_entry(_CHANGE_LABELS[metric], style, line=False) for metric, style in _CHANGES.items()
    ]
    correlations: list[Artist] = [
        legend_entry("matched Spearman, embedding", _AT_EMBEDDING, line=False),
        legend_entry("matched Spearman, at the token", _AT_TOKEN, line=False),
        Patch(color=_NULL_COLOUR, alpha=0.5, lw=0, label="permuted numbers (95 %)"),
    ]
    return [rates, differences, correlations]
