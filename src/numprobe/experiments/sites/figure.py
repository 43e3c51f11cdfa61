"""Draw where in a block a number can be read."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.frame import frame
from numprobe.draw.panels import chance_entries, context_panels, curve, draw_panels, legend_entry, name_curves
from numprobe.draw.published import published
from numprobe.draw.rows import MEASURED, checked, in_order, is_not_applicable, over_all_folds, require, runs_of
from numprobe.draw.series import Series
from numprobe.draw.style import CONTROLS, Style, probe_order, set_layer_axis
from numprobe.layers import layer_order
from numprobe.probes.leading import choose_leading
from numprobe.status import Status
from numprobe.tables import MEASUREMENT

#: Sites in the order of the computation, with their names in the figure and in the published numbers.
LABELS: Mapping[str, str] = {
    "residual_in": "residual in",
    "q": "q",
    "k": "k",
    "v": "v",
    "qkv": "q+k+v",
    "attention": "attention",
    "mlp": "mlp",
    "residual_out": "residual out",
}
_STYLES: Mapping[str, Style] = {
    "residual_in": Style("#56B4E9", "o"),
    "residual_out": Style("#0072B2", "s"),
    "q": Style("#D55E00", "^"),
    "k": Style("#E69F00", "v"),
    "v": Style("#CC79A7", "D"),
    "qkv": Style("#000000", "o"),
    "attention": Style("#009E73", "p"),
    "mlp": Style("#882255", "h"),
}
_SITES: Series = {
    label: (_STYLES[site], (pl.col("site") == site) & (pl.col("control") == "none")) for site, label in LABELS.items()
}
#: Columns of the figure.
_GROUPS: Mapping[str, Sequence[str]] = {
    "residual stream": ("residual_in", "residual_out"),
    "read by attention": ("q", "k", "v", "qkv"),
    "added to the stream": ("attention", "mlp"),
}
_CONTROLS = ("shuffled", "untrained")
_PUBLISHED = "published"
_PUBLISHED_LINE = (0, (1, 1.2))
_COLUMNS = ("model", "context", "layer", "site", "probe", "control", *MEASURED)


def sites(tables: Tables, values: Values) -> Drawn:
    """Return the figure of what can be read inside the blocks, and what it shows."""
    drawn = sites_rows(tables["sites"])
    return draw_sites(drawn, values["candidates"]), drawn


def sites_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies of the leading probe and its controls, and the published ones of these models."""
    accuracy = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all")
    rows = over_all_folds(checked(table, list(MEASUREMENT)).filter(accuracy | is_not_applicable()))
    plain = rows.filter(pl.col("value").is_not_null(), control="none")
    require(plain, "metric accuracy without a control")
    leading = choose_leading(probe_order(plain["probe"].drop_nulls()))
    shown = (pl.col("probe") == leading) & pl.col("control").is_in(["none", *_CONTROLS])
    kept = rows.filter(shown | is_not_applicable()).select(_COLUMNS)
    return pl.concat([kept, _published_rows(rows)], how="diagonal_relaxed")


def _published_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return published accuracies of the models and contexts that are drawn."""
    sites = {f"accuracy at {label}": site for site, label in LABELS.items()}
    found = published("sites", in_order(rows["model"])).filter(pl.col("context").is_in(rows["context"].to_list()))
    return found.select(
        "model", "context", "layer", "probe", "value", site=pl.col("metric").replace_strict(sites),
        control=pl.lit(_PUBLISHED), n_values="n", status=pl.lit(Status.MEASURED), note="source",
    )  # fmt: skip


def draw_sites(drawn: pl.DataFrame, candidates: int | None = None) -> Figure:
    """Draw a row per model and context: the residual stream, what attention reads, what is added; x = block."""
    runs = runs_of(drawn)
    figure, panels = context_panels(list(runs), list(_GROUPS))
    rows = {
        (run, group): runs[run].filter(pl.col("site").is_in(_GROUPS[group]) | is_not_applicable())
        for run, group in panels
    }
    draw_panels(panels, rows, _draw_panel, candidates)
    for place, axes in panels.items():
        name_curves(axes, rows[place], _SITES)
    return frame(figure, _legend(drawn, candidates), 4, x="block", y="accuracy on unseen numbers")


def _draw_panel(axes: Axes, rows: pl.DataFrame) -> list[str]:
    blocks = layer_order(rows["layer"].drop_nulls())
    set_layer_axis(axes, blocks, most=12)
    for site in [site for site in LABELS if site in set(rows["site"])]:
        of_site = rows.filter(pl.col("value").is_not_null(), site=site)
        for control in _CONTROLS:
            curve(axes, of_site.filter(control=control), blocks, CONTROLS[control])
        past = of_site.filter(control=_PUBLISHED)
        curve(axes, past, blocks, Style(_STYLES[site].colour, "x", _PUBLISHED_LINE))
        curve(axes, of_site.filter(control="none"), blocks, _STYLES[site])
    return _header(rows)


def _header(rows: pl.DataFrame) -> list[str]:
    """Return the number of numbers tested, and the blocks in which all states are the same vector."""
    counts = rows.filter(control="none")["n_values"].drop_nulls().unique().sort(descending=True)
    constant = rows.filter(status=Status.CONSTANT_STATE, control="none")
    sites = in_order(constant["site"].replace_strict(LABELS, default=None))
    states = [f"constant state: {', '.join(sites)} of block {constant['layer'][0]}"] if sites else []
    return [*(f"{count} values" for count in counts[:1]), *states]


def _legend(drawn: pl.DataFrame, candidates: int | None) -> list[Line2D]:
    measured = drawn.filter(pl.col("value").is_not_null())
    controls = [control for control in _CONTROLS if control in set(measured["control"])]
    entries = [legend_entry(control, CONTROLS[control]) for control in controls]
    if _PUBLISHED in set(measured["control"]):
        entries.append(legend_entry("published (sinusoidal)", Style("#555555", "x", _PUBLISHED_LINE)))
    return [*entries, *chance_entries(candidates)]
