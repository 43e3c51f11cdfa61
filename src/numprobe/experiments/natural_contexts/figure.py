"""Figure of numbers in running text: the main probes over the layers, by domain, transfer to and from arithmetic."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    PUBLISHED_LINE,
    chance_entry,
    context_panels,
    curve,
    curves_of,
    draw_panels,
    layer_entry,
    legend_entry,
    published_entry,
)
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import MEASURED, checked, in_order, nothing_to_draw
from numprobe.draw.series import Series, kind_of_control, measured_accuracies, series_of, strongest
from numprobe.draw.style import Style, series_styles, set_layer_axis
from numprobe.draw.transfer import LINES, control_entries
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Values of the column `panel`: the main probes; the leading probe by domain; transfer.
PROBES, DOMAINS, TRANSFER = "probes", "domains", "transfer"

_DOMAIN = "domain="
_CONTROLS = ("shuffled", "untrained", "mixed")
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
    control = kind_of_control().is_in(_CONTROLS) & (pl.col("probe") == leading)
    main = (pl.col("control") == "none") & pl.col("probe").is_in(strongest(accuracies))
    probes = rows.filter(whole & (main | control))
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
    """Draw small multiples over the layers: a row per model, columns of all probes, domains and transfer."""
    models, columns = in_order(drawn["model"]), _panel_names(drawn)
    figure, panels = context_panels(models, list(columns))
    series = {panel: _series(drawn.filter(panel=panel), panel) for panel in (PROBES, DOMAINS, TRANSFER)}
    rows = {}
    for model, name in panels:
        panel, context = columns[name]
        here = (pl.col("model") == model) & (pl.col("context") == context) & (pl.col("panel") == panel)
        rows[model, name] = drawn.filter(here)
    draw_panels(panels, rows, lambda axes, part: _draw_panel(axes, part, series[part["panel"][0]]), candidates)
    for name in columns:
        panels[models[-1], name].set_xlabel("layer")
    frame(figure, _probe_entries(drawn, series[PROBES], candidates), 6, y="accuracy on unseen numbers")
    below = [legend_entry(name.removeprefix(_DOMAIN), style) for name, (style, _) in series[DOMAINS].items()]
    own = {name: style for name, (style, _) in series[TRANSFER].items() if name in set(drawn["fit_context"])}
    below += [legend_entry(f"fitted on {name}", style) for name, style in own.items()]
    below += control_entries(drawn.filter(panel=TRANSFER))
    figure.legend(handles=below, loc="outside lower center", ncols=5)
    return figure


def _panel_names(drawn: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Return title of a column -> panel and context."""
    ours = drawn.filter(_OURS)
    names = {PROBES: "{}: main probes", DOMAINS: "{}: domains", TRANSFER: "transfer into {}"}
    return {
        text.format(context): (panel, context)
        for panel, text in names.items()
        for context in in_order(ours.filter(panel=panel)["context"])
    }


def _series(rows: pl.DataFrame, panel: str) -> Series:
    if panel == PROBES:
        return series_of(rows, _CONTROLS) if rows.height else {}
    column = "subset" if panel == DOMAINS else "fit_context"
    names = rows[column].drop_nulls().unique().sort().to_list()
    plain = {name: (style, _PLAIN & (pl.col(column) == name)) for name, style in series_styles(names).items()}
    lines = LINES if panel == TRANSFER else {}
    controls = {
        f"{name}, {control}": (Style(style.colour, "", line), condition & (kind_of_control() == control))
        for control, line in lines.items()
        for name, (style, condition) in {n: (style, pl.col(column) == n) for n, (style, _) in plain.items()}.items()
        if rows.filter(kind_of_control() == control).height
    }
    return plain | controls


def _draw_panel(axes: Axes, rows: pl.DataFrame, series: Series) -> list[str]:
    layers = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, layers)
    for style, condition in reversed(series.values()):
        measured = rows.filter(condition & pl.col("value").is_not_null())
        ours, others = measured.filter(_OURS), measured.filter(~_OURS)
        if ours.height:
            curves_of(axes, ours, layers, style)
        if others.height:
            curve(axes, others, layers, Style(style.colour, " ", PUBLISHED_LINE))
    return []


def _probe_entries(drawn: pl.DataFrame, series: Series, candidates: int) -> list[Line2D]:
    ours = drawn.filter((pl.col("panel") == PROBES) & _OURS)
    entries = [layer_entry(name, style, ours.filter(condition)) for name, (style, condition) in series.items()]
    if drawn.filter(~_OURS).height:
        entries.append(published_entry())
    return [*entries, chance_entry(candidates)]
