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
    name_curves,
    published_entry,
    title_columns,
)
from numprobe.draw.published import THIS_STUDY, published
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, over_all_folds, runs_of, with_values
from numprobe.draw.series import Series, leading_probe
from numprobe.draw.style import CONTROLS, NOTE_COLOUR, Style, probe_order, probe_style, set_layer_axis
from numprobe.layers import layer_order
from numprobe.probes.leading import SIDE_BY_SIDE
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Columns of the figure -> their metric.
MAIN, OTHER, CHECKS = "main probes", "other probes", "controls"
PANELS: Mapping[str, str] = {
    MAIN: "accuracy",
    OTHER: "accuracy",
    CHECKS: "accuracy",
    "R²": "r2",
    "selectivity": "selectivity",
}
#: Probes whose explained variance is shown: they read magnitudes.
MAGNITUDES = ("linear", "log")
#: Values of the column `settings`: the defaults, and those of the paper.
DEFAULT, PUBLISHED = "default", "published"

# How much wider the figure is for the names behind the curves.
_ROOM = 1.25
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
    control = pl.col("control").is_in(list(CONTROLS)) & (pl.col("probe").is_in([leading, "constant"]))
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
    """Draw small multiples over the layers: a row per model and context, a column per kind of curve."""
    runs = runs_of(drawn)
    measured = drawn.filter(pl.col("value").is_not_null())
    leading = leading_probe(measured.filter(metric="accuracy"))
    shown = {title: _is_shown(title, leading) for title in PANELS}
    columns = [title for title, condition in shown.items() if measured.filter(condition).height]
    figure, panels = context_panels(list(runs), columns)
    figure.set_figwidth(_ROOM * figure.get_figwidth())
    rows = {(run, title): runs[run].filter(shown[title] | is_not_applicable()) for run, title in panels}
    headers = {}
    for (run, title), axes in panels.items():
        fraction_axis(axes)
        if explain_empty(axes, rows[run, title]):
            continue
        layers = layer_order(runs[run]["layer"].drop_nulls())
        set_layer_axis(axes, layers, most=4)
        if PANELS[title] == "accuracy":
            chance_line(axes, candidates)
        _draw_panel(axes, rows[run, title], layers)
        name_curves(axes, rows[run, title], _series(rows[run, title], title, leading))
        headers[run, title] = _header(rows[run, title])
    title_columns(panels, headers)
    return frame(figure, _legend(drawn, candidates), 3, x="layer", y="accuracy, R² or selectivity on test numbers")


def _is_shown(title: str, leading: str) -> pl.Expr:
    """Return the rows of a column: probes by their own names, controls beside the leading probe."""
    main = pl.col("probe").is_in([leading, *SIDE_BY_SIDE])
    plain = pl.col("control") == "none"
    chosen = {
        MAIN: plain & main,
        OTHER: plain & ~main,
        CHECKS: ~plain | ((pl.col("probe") == leading) & (pl.col("settings") == DEFAULT) & _OURS),
    }
    return (pl.col("metric") == PANELS[title]) & chosen.get(title, pl.lit(True))


def _series(rows: pl.DataFrame, title: str, leading: str) -> Series:
    """Return the curves that a column names: one per probe, the default settings before others, and its controls."""
    measured = rows.filter(pl.col("value").is_not_null())
    plain = measured.filter(control="none")
    series: Series = {}
    for probe in probe_order(plain["probe"]):
        of_probe = (pl.col("probe") == probe) & (pl.col("control") == "none")
        first = plain.filter(of_probe).sort(_OURS, pl.col("settings") == DEFAULT, descending=True).row(0, named=True)
        run = pl.all_horizontal(pl.col(name) == first[name] for name in ("settings", "source"))
        series[probe] = (probe_style(probe), of_probe & run)
    present = set(measured["control"]) if title == CHECKS else set()
    return series | {name: (style, pl.col("control") == name) for name, style in CONTROLS.items() if name in present}


def _draw_panel(axes: Axes, rows: pl.DataFrame, layers: Sequence[str]) -> None:
    measured = rows.filter(pl.col("value").is_not_null())
    for control, style in CONTROLS.items():
        part = measured.filter(control=control, settings=DEFAULT)
        for probe in in_order(part["probe"]):
            curve(axes, part.filter(probe=probe), layers, style)
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
    entries = []
    if plain.filter(_OURS, settings=PUBLISHED).height:
        entries.append(Line2D([], [], color=NOTE_COLOUR, linestyle=_REFITTED_LINE, label="published settings"))
    if plain.filter(~_OURS).height:
        entries.append(published_entry())
    return [*entries, chance_entry(candidates)]
