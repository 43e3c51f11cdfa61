"""Figure of numbers in running text: every probe over the layers, by domain, and transfer to and from arithmetic."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    PUBLISHED_LINE,
    chance_entry,
    context_panels,
    curve,
    curves_of,
    draw_panels,
    name_curves,
    published_entry,
)
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import MEASURED, checked, in_order, nothing_to_draw
from numprobe.draw.series import Series, kind_of_control, leading_probe, measured_accuracies, series_of
from numprobe.draw.style import CONTROLS, Style, series_styles, set_layer_axis
from numprobe.draw.transfer import LINES, control_entries
from numprobe.layers import layer_order
from numprobe.probes.leading import SIDE_BY_SIDE
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Values of the column `panel`: all probes; the leading probe by domain; transfer.
PROBES, DOMAINS, TRANSFER = "probes", "domains", "transfer"

_DOMAIN = "domain="
# How much wider the figure is for the names behind the curves.
_ROOM = 1.25
_PLAIN = pl.col("control") == "none"
_OURS = pl.col("source") == THIS_STUDY
_COLUMNS = ("panel", "source", "model", "context", "fit_context", "layer", "probe", "control", "subset", *MEASURED)


def natural_contexts(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and its table."""
    drawn = natural_contexts_rows(tables["accuracy"], tables["transfer"], values["natural"], values["operand"])
    return draw_natural_contexts(drawn, values["candidates"]), drawn


def natural_contexts_rows(
    accuracy: pl.DataFrame, transfer: pl.DataFrame, natural: Sequence[str], operand: Sequence[str]
) -> pl.DataFrame:
    """Return the accuracies in text, by domain, and across text and arithmetic, and the published ones.

    Parameters
    ----------
    accuracy, transfer
        The collected tables.
    natural, operand
        Names of the contexts of these kinds.
    """
    texts = pl.col("context").is_in(list(natural))
    accuracies, leading = measured_accuracies(accuracy)
    rows = accuracies.filter(texts)
    whole = pl.col("subset") == "all"
    control = (pl.col("control") != "none") & pl.col("probe").is_in([leading, "constant"])
    probes = rows.filter(whole & ((pl.col("control") == "none") | control))
    plain = (pl.col("control") == "none") & (pl.col("probe") == leading)
    domains = rows.filter(plain & pl.col("subset").str.starts_with(_DOMAIN))
    moved = checked(transfer, [*MEASUREMENT, "fit_context"]).filter(_transferred([*natural, *operand]))
    parts = [part.with_columns(pl.lit(name).alias("panel")) for name, part in ((PROBES, probes), (DOMAINS, domains))]
    parts.append(moved.with_columns(pl.lit(TRANSFER).alias("panel")))
    ours = pl.concat([part for part in parts if part.height], how="diagonal_relaxed") if rows.height else rows
    if ours.is_empty() or ours["value"].drop_nulls().is_empty():
        raise nothing_to_draw("metric accuracy in the contexts " + ", ".join(natural))
    ours = ours.with_columns(pl.lit(THIS_STUDY).alias("source"))
    return pl.concat(
        [pl.DataFrame(schema={"fit_context": pl.String}), ours, _published(ours)], how="diagonal_relaxed"
    ).select(_COLUMNS)


def _transferred(contexts: Sequence[str]) -> pl.Expr:
    pair = pl.col("context").is_in(contexts) & pl.col("fit_context").is_in(contexts)
    return pair & (pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null()


def _published(ours: pl.DataFrame) -> pl.DataFrame:
    """Return the published accuracies in a probe's own context, and of transfer (metric "accuracy fitted on ...")."""
    numbers = published("natural_contexts", ours["model"].unique())
    fitted = pl.col("metric").str.strip_prefix("accuracy fitted on ")
    own = pl.col("metric") == "accuracy"
    return numbers.select(
        pl.when(own).then(pl.lit(PROBES)).otherwise(pl.lit(TRANSFER)).alias("panel"),
        "source", "model", "context", pl.when(~own).then(fitted).alias("fit_context"), "layer", "probe",
        pl.lit("none").alias("control"), pl.lit("all").alias("subset"), "value",
        pl.col("n").cast(pl.UInt32).alias("n_values"), pl.lit(Status.MEASURED).alias("status"),
    )  # fmt: skip


def draw_natural_contexts(drawn: pl.DataFrame, candidates: int) -> Figure:
    """Draw small multiples over the layers: a row per model, columns of probes, controls, domains and transfer."""
    models, columns = in_order(drawn["model"]), _columns(drawn)
    figure, panels = context_panels(models, list(columns))
    figure.set_figwidth(_ROOM * figure.get_figwidth())
    rows = {(model, title): drawn.filter(columns[title][0], model=model) for model, title in panels}
    series = {axes: columns[title][1] for (_, title), axes in panels.items()}
    draw_panels(panels, rows, lambda axes, part: _draw_panel(axes, part, series[axes]), candidates)
    for place, axes in panels.items():
        name_curves(axes, rows[place], _undashed(series[axes]))
    for title in columns:
        panels[models[-1], title].set_xlabel("layer")
    entries = [chance_entry(candidates)]
    if drawn.filter(~_OURS).height:
        entries.insert(0, published_entry())
    moved = control_entries(drawn.filter(panel=TRANSFER))
    if moved:
        figure.legend(handles=moved, title="transfer within", loc="outside lower center", ncols=2)
    return frame(figure, entries, 2, y="accuracy on unseen numbers")


def _columns(drawn: pl.DataFrame) -> dict[str, tuple[pl.Expr, Series]]:
    """Return title of a column -> condition of its rows, and its curves."""
    found: dict[str, tuple[pl.Expr, Series]] = {}
    of = {panel: drawn.filter(panel=panel) for panel in (PROBES, DOMAINS, TRANSFER)}
    for context in in_order(of[PROBES].filter(_OURS)["context"]):
        for part, series in _parts(of[PROBES]).items():
            found[f"{context}:\n{part}"] = (_is_in(PROBES, context), series)
    for context in in_order(of[DOMAINS]["context"]):
        found[f"{context}:\ndomains"] = (_is_in(DOMAINS, context), _named(of[DOMAINS], "subset"))
    for context in in_order(of[TRANSFER].filter(_OURS)["context"]):
        found[f"transfer\ninto {context}"] = (_is_in(TRANSFER, context), _named(of[TRANSFER], "fit_context"))
    return found


def _is_in(panel: str, context: str) -> pl.Expr:
    return (pl.col("panel") == panel) & (pl.col("context") == context)


def _parts(rows: pl.DataFrame) -> dict[str, Series]:
    """Return the curves of all probes in parts of at most seven: the main probes, the others, the controls."""
    series = series_of(rows, tuple(CONTROLS))
    leading = leading_probe(rows)
    main = [name for name in series if name in (leading, *SIDE_BY_SIDE)]
    parts = {
        "main probes": main,
        "other probes": [name for name in series if name not in (*main, *CONTROLS)],
        "controls": [name for name in series if name in (leading, *CONTROLS)],
    }
    return {part: {name: series[name] for name in names} for part, names in parts.items() if names}


def _named(rows: pl.DataFrame, column: str) -> Series:
    """Return a curve for each domain, or for each context of the fit with its controls."""
    names = rows[column].drop_nulls().unique().sort().to_list()
    series: Series = {}
    for name, style in series_styles(names).items():
        label = name.removeprefix(_DOMAIN) if column == "subset" else f"from {name}"
        series[label] = (style, _PLAIN & (pl.col(column) == name))
        for control, line in LINES.items():
            dashed = Style(style.colour, "", line)
            series[f"{label}, {control}"] = (dashed, (kind_of_control() == control) & (pl.col(column) == name))
    return series


def _undashed(series: Series) -> Series:
    """Return the curves without those of controls in the colours of others."""
    dashed = [f", {control}" for control in LINES]
    return {name: curve for name, curve in series.items() if not name.endswith(tuple(dashed))}


def _draw_panel(axes: Axes, rows: pl.DataFrame, series: Series) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers, most=4)
    for style, condition in reversed(list(series.values())):
        measured = rows.filter(condition & pl.col("value").is_not_null())
        ours, others = measured.filter(_OURS), measured.filter(~_OURS)
        if ours.height:
            curves_of(axes, ours, layers, style)
        if others.height:
            curve(axes, others, layers, Style(style.colour, " ", PUBLISHED_LINE))
    return []
