"""Figure of one probe for all layers and contexts, beside the probes of each layer and of all other layers."""

import polars as pl

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.layer_series import Series, draw_series, with_published
from numprobe.draw.rows import MEASURED, checked, is_not_applicable, over_all_folds, with_values
from numprobe.draw.style import CONTROLS, Style
from numprobe.tables import MEASUREMENT

_PLAIN = pl.col("control") == "none"
_EVERYWHERE = (pl.col("fitted_on") == "all layers and contexts") & (pl.col("normalisation") == "chosen")
_LEFT_OUT = pl.col("fitted_on") == "all other layers"
SERIES: Series = {
    "the layer's own probe": (Style("#000000", "o"), _PLAIN & (pl.col("fitted_on") == "one layer")),
    "universal: all layers and contexts": (Style("#0072B2", "s"), _PLAIN & _EVERYWHERE),
    "all layers of this context": (
        Style("#E69F00", "v", "--"),
        _PLAIN & (pl.col("fitted_on") == "all layers") & (pl.col("normalisation") == "layer"),
    ),
    "all other layers of this context": (Style("#009E73", "D", ":"), _PLAIN & _LEFT_OUT),
    "universal, shuffled": (CONTROLS["shuffled"], (pl.col("control") == "shuffled") & _EVERYWHERE),
    "universal, untrained": (CONTROLS["untrained"], (pl.col("control") == "untrained") & _EVERYWHERE),
    "universal, mixed": (CONTROLS["mixed"], (pl.col("control") == "mixed") & _EVERYWHERE),
    "constant": (CONTROLS["constant"], pl.col("control") == "constant"),
}
_COLUMNS = ("model", "control", "context", "fitted_on", "normalisation", "layer", "probe", *MEASURED)


def universal_probe(tables: Tables, values: Values) -> Drawn:
    """Return the figure of one probe for all layers and contexts, and its table."""
    drawn = universal_probe_rows(tables["universal_probe"], tables.get("cross_layer"))
    return draw_series(drawn, SERIES), drawn


def universal_probe_rows(table: pl.DataFrame, cross_layer: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the accuracies of all probes that are compared, and the published ones.

    Parameters
    ----------
    table
        The table of the experiment `universal_probe`.
    cross_layer
        The table of the experiment `cross_layer`, if the study has it: probes fitted on all other layers.
    """
    wanted = ((pl.col("metric") == "accuracy") & (pl.col("subset") == "all")) | is_not_applicable()
    rows = over_all_folds(checked(table, [*MEASUREMENT, "fitted_on", "normalisation"]).filter(wanted)).select(_COLUMNS)
    with_values(rows, "metric accuracy")
    if cross_layer is not None:
        rows = pl.concat([rows, _left_out(cross_layer)])
    shown = pl.any_horizontal(condition for _, condition in SERIES.values())
    return with_published(rows.filter(shown | is_not_applicable()), "universal_probe")


def _left_out(cross_layer: pl.DataFrame) -> pl.DataFrame:
    chosen = (
        (pl.col("fit_layer") == "others") & (pl.col("normalisation") == "chosen") & (pl.col("metric") == "accuracy")
    )
    rows = checked(cross_layer, [*MEASUREMENT, "fit_layer", "normalisation"]).filter(chosen & _PLAIN)
    return rows.with_columns(fitted_on=pl.lit("all other layers")).select(_COLUMNS)
