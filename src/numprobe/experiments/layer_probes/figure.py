"""Figure of every probe over the layers: exact accuracy, R² of the probes that read magnitudes, and selectivity."""

from collections.abc import Collection, Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import (
    PUBLISHED_LINE,
    chance_entry,
    chance_line,
    context_panels,
    curve,
    explain_empty,
    fraction_axis,
    layer_entry,
    legend_entry,
    published_entry,
    title_columns,
)
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, over_all_folds, with_values
from numprobe.draw.series import kind_of_control, leading_probe, strongest
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, Style, probe_order, probe_style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Panels of a context: what follows its name in the title -> metric, and which probes are shown.
PANELS: Mapping[str, tuple[str, str]] = {
    "": ("accuracy", "main"),
    ": others": ("accuracy", "other"),
    ": R²": ("r2", "all"),
    ": selectivity": ("selectivity", "all"),
}
#: Controls that share a panel with the main probes.
_CONTROLS = ("shuffled", "untrained", "mixed")
#: Probes whose explained variance is shown: they read magnitudes.
MAGNITUDES = ("linear", "log")
#: Values of the column `settings`: the defaults, and those of the paper.
DEFAULT, PUBLISHED = "default", "published"

_PROBE = ["model", "context", "probe", "settings"]
_OURS = pl.col("source") == THIS_STUDY
_REFITTED_LINE = (0, (3, 1.5))
_COLUMNS = ("model", "context", "layer", "probe", "control", "settings", "metric", *MEASURED)


def layer_probes(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and its table."""
    own = {"trained": tables.get("layer_probes"), "selectivity": tables.get("selectivity")}
    drawn = layer_probes_rows(tables["accuracy"], values["contexts"], **own, refitted=values["published"])
    return draw_layer_probes(drawn, values["candidates"]), drawn


def layer_probes_rows(
    accuracy: pl.DataFrame,
    contexts: Sequence[str],
    trained: pl.DataFrame | None = None,
    selectivity: pl.DataFrame | None = None,
    refitted: Collection[str] = (),
) -> pl.DataFrame:
    """Return the accuracies, R² and selectivities of some contexts, and the published accuracies.

    Parameters
    ----------
    accuracy
        The accuracy table.
    contexts
        Names of the contexts to show.
    trained
        The table `layer_probes`: probes of gradient descent, which replace those of `accuracy` in the same context with
        the same settings.
    selectivity
        The table `selectivity`.
    refitted
        Probes of `accuracy` that were fitted with the published settings.
    """
    settings = pl.when(pl.col("probe").is_in(list(refitted))).then(pl.lit(PUBLISHED)).otherwise(pl.lit(DEFAULT))
    plain = _measured(accuracy, contexts).with_columns(settings.alias("settings"))
    parts = [plain.select(_COLUMNS)]
    if trained is not None:
        own = _measured(trained, contexts, ("settings",)).filter(pl.col("control").is_in(["none", "shuffled"]))
        rest = parts[0].join(own.select(_PROBE).unique(), on=_PROBE, how="anti", maintain_order="left")
        parts = [rest, own.select(_COLUMNS)]
    if selectivity is not None:
        rows = checked(selectivity, list(MEASUREMENT)).filter(metric="selectivity")
        parts.append(rows.with_columns(pl.lit(DEFAULT).alias("settings")).select(_COLUMNS))
    drawn = pl.concat(parts).filter(pl.col("context").is_in(list(contexts)))
    with_values(drawn, "metric accuracy in the contexts " + ", ".join(contexts))
    return pl.concat([drawn.with_columns(source=pl.lit(THIS_STUDY)), _published(drawn)], how="diagonal_relaxed")


def _measured(table: pl.DataFrame, contexts: Sequence[str], more: Sequence[str] = ()) -> pl.DataFrame:
    """Return accuracies of all probes and of the leading probe's controls, and R² of the probes of magnitudes."""
    whole = (pl.col("subset") == "all") & (pl.col("site") == "residual") & pl.col("fold").is_null()
    rows = checked(table, [*MEASUREMENT, *more]).filter(whole & pl.col("context").is_in(list(contexts)))
    measured = rows.filter(pl.col("value").is_not_null(), metric="accuracy")
    leading = leading_probe(measured) if measured.height else None
    control = kind_of_control().is_in(_CONTROLS) & pl.col("probe").is_in([leading])
    exact = (pl.col("metric") == "accuracy") & ((pl.col("control") == "none") | control)
    magnitude = (
        (pl.col("metric") == "r2") & (pl.col("control") == "none") & pl.col("probe").is_in([leading, *MAGNITUDES])
    )
    kept = rows.filter(exact | magnitude | is_not_applicable())
    return kept if more else over_all_folds(kept)


def _published(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the published accuracies of these models."""
    numbers = published("layer_probes", drawn["model"].unique()).filter(metric="accuracy")
    return numbers.select(
        "model", "context", "layer", "probe", "metric", "value", pl.lit("none").alias("control"),
        pl.lit(PUBLISHED).alias("settings"), pl.lit(Status.MEASURED).alias("status"), "source",
    )  # fmt: skip


def draw_layer_probes(drawn: pl.DataFrame, candidates: int) -> Figure:
    """Draw small multiples over the layers: a row per model, a column per context and metric."""
    models, main = in_order(drawn["model"]), _main(drawn)
    columns = _panel_names(drawn, main)
    figure, panels = context_panels(models, list(columns))
    headers = {}
    for (model, name), axes in panels.items():
        context, metric, probes = columns[name]
        rows = drawn.filter(model=model, context=context)
        fraction_axis(axes)
        shown = rows.filter(((pl.col("metric") == metric) & _among(probes, main)) | is_not_applicable())
        if explain_empty(axes, shown):
            continue
        layers = layer_order(rows["layer"].drop_nulls())
        set_layer_axis(axes, layers)
        if metric == "accuracy":
            chance_line(axes, candidates)
        _draw_panel(axes, shown, layers)
        headers[model, name] = _header(shown)
    title_columns(panels, headers)
    return frame(figure, _legend(drawn, candidates), 6, x="layer", y="accuracy, R² or selectivity on test numbers")


def _main(drawn: pl.DataFrame) -> list[str]:
    """Return the probes that share a panel with the controls; none if only published numbers are drawn."""
    ours = drawn.filter(_OURS & (pl.col("metric") == "accuracy"))
    return strongest(ours) if ours.filter(pl.col("value").is_not_null(), control="none").height else []


def _among(probes: str, main: Sequence[str]) -> pl.Expr:
    """Return whether rows are of the probes of a panel: "main" ones and controls, "other" ones, or "all"."""
    mine = pl.col("probe").is_in(list(main)) | (pl.col("control") != "none")
    return {"main": mine, "other": ~mine, "all": pl.lit(True)}[probes]


def _panel_names(drawn: pl.DataFrame, main: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Return title of a column -> context, metric and probes, of those with a value."""
    measured = drawn.filter(pl.col("value").is_not_null())
    return {
        context + title: (context, metric, probes)
        for context in in_order(drawn["context"])
        for title, (metric, probes) in PANELS.items()
        if measured.filter(_among(probes, main), context=context, metric=metric).height
    }


def _draw_panel(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    measured = rows.filter(pl.col("value").is_not_null())
    for control in _CONTROLS:
        part = measured.filter(kind_of_control() == control, settings=DEFAULT)
        for probe in in_order(part["probe"]):
            curve(axes, part.filter(probe=probe), layers, CONTROLS[control])
    plain = measured.filter(control="none")
    for probe in reversed(probe_order(plain["probe"])):
        mine, style = plain.filter(probe=probe), probe_style(probe)
        # Several published runs on one model are one line each.
        for run in mine.filter(~_OURS).partition_by("source", maintain_order=True):
            curve(axes, run, layers, Style(style.colour, " ", PUBLISHED_LINE))
        refitted, default = (mine.filter(_OURS, settings=name) for name in (PUBLISHED, DEFAULT))
        if refitted.height:
            curve(axes, refitted, layers, Style(style.colour, " ", _REFITTED_LINE))
        if default.height:
            curve(axes, default, layers, style)


def _header(rows: pl.DataFrame) -> list[str]:
    """Return the counts of tested values, those of most probes first, and the layers of one constant state."""
    plain = rows.filter(pl.col("value").is_not_null(), pl.col("n_values").is_not_null(), control="none")
    counts = plain.group_by("n_values").agg(pl.col("probe").n_unique()).sort("probe", "n_values", descending=True)
    texts = [f"{n} values" if i == 0 else f"{probes} probes: {n}" for i, (n, probes) in enumerate(counts.iter_rows())]
    constant = rows.filter(pl.col("value").is_null(), status=Status.CONSTANT_STATE)["layer"].unique()
    return texts[:2] + ([f"constant state: {', '.join(layer_order(constant))}"] if len(constant) else [])


def _legend(drawn: pl.DataFrame, candidates: int) -> list[Line2D]:
    measured = drawn.filter(pl.col("value").is_not_null())
    plain = measured.filter(control="none")
    entries = [legend_entry(probe, probe_style(probe)) for probe in probe_order(plain["probe"])]
    for name in _CONTROLS:
        of_control = measured.filter(kind_of_control() == name)
        entries += [layer_entry(name, CONTROLS[name], of_control)] if of_control.height else []
    if plain.filter(_OURS, settings=PUBLISHED).height:
        entries.append(Line2D([], [], color=NOTE_COLOUR, linestyle=_REFITTED_LINE, label="published settings"))
    if plain.filter(~_OURS).height:
        entries.append(published_entry())
    return [*entries, chance_entry(candidates)]
