"""Similarity of the number spaces of the models: matrices of models, controls, and curves over the depth."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.pairs import curve_lines, models_of, pair_curves, pair_matrices, pair_points
from numprobe.draw.panels import tell_left_out
from numprobe.draw.rows import VOCABULARY, checked, is_not_applicable, nothing_to_draw, over_all_folds
from numprobe.draw.style import NOTE_COLOUR, PAGE_WIDTH
from numprobe.experiments.drawn import Drawn, Tables, Values
from numprobe.tables import MEASUREMENT

EXTRA = ("other", "other_layer", "dissimilarity", "depth", "p_value")
_COLUMNS = (
    "model", "other", "control", "context", "layer", "other_layer", "depth", "value", "ci_low", "ci_high", "resampled",
    "n_values", "p_value", "note",
)  # fmt: skip
#: What stands beside the pairs of models at the embeddings: label, and how its rows are found.
_GROUPS = {
    "numbers": ("none", None),
    "other\nwords": ("matched", None),
    "un-\ntrained": ("untrained", None),
    "Gaussian": ("gaussian", None),
    "shuffled": ("shuffled", None),
    "edit\ndistance": ("none", "edit distance"),
    "|a − b|": ("none", "|a - b|"),
    "log\ndistance": ("none", "log distance"),
}
_LABEL = "Spearman correlation"


def rsa(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = rsa_rows(tables["rsa"])
    return draw_rsa(drawn), drawn


def rsa_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows drawn: Spearman correlations of cosine dissimilarities, with all controls.

    Parameters
    ----------
    table
        The table `rsa` (docs/files.md).

    Raises
    ------
    NumprobeError
        If the table is empty, lacks a column, or holds no such correlations.
    """
    shown = (pl.col("metric") == "spearman") & (pl.col("dissimilarity") == "cosine")
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(shown | is_not_applicable()))
    if rows.is_empty():
        raise nothing_to_draw("Spearman correlations of cosine dissimilarities")
    return rows.select(_COLUMNS)


def draw_rsa(drawn: pl.DataFrame) -> Figure:
    """Two matrices of models, the pairs at the embeddings beside controls, and one panel of curves per model.

    Parameters
    ----------
    drawn
        What `rsa_rows` returned.
    """
    models = models_of(drawn)
    heights = [0.85 + 0.22 * len(models), 1.6, 1.5 * curve_lines(models) + 0.9]
    figure = Figure(figsize=(PAGE_WIDTH, sum(heights) + 0.3), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    plain = drawn.filter(pl.col("control") == "none")
    middle = (pl.col("context") != VOCABULARY) & pl.col("p_value").is_not_null()
    matrices = {
        "input embeddings": plain.filter(pl.col("layer") == "embedding", pl.col("other_layer") == "embedding"),
        "bare number, middle layer": plain.filter(middle),
    }
    pair_matrices(figure, grid[0], matrices, models, _LABEL)
    tell_left_out(figure, drawn)
    _controls(figure.add_subplot(grid[1]), drawn)
    pair_curves(figure, grid[2], drawn, _LABEL)
    return figure


def _controls(axes: Axes, drawn: pl.DataFrame) -> None:
    """Every pair at the input embeddings as a point with its interval, in one column per control or theory."""
    rows = drawn.filter(pl.col("layer") == "embedding", pl.col("value").is_not_null())
    for place, (control, theory) in enumerate(_GROUPS.values()):
        of_theory = pl.col("other") == theory if theory else pl.col("other_layer") == "embedding"
        group = rows.filter((pl.col("control") == control) & of_theory)
        colour = "#0072B2" if place == 0 else "#D55E00" if theory else NOTE_COLOUR
        pair_points(axes, place, group, colour)
        if group.is_empty():
            axes.text(place, 0.04, "none", ha="center", fontsize=5.5, color=NOTE_COLOUR)
    axes.axhline(0, color="black", linewidth=0.5)
    first = next(i for i, (_, theory) in enumerate(_GROUPS.values()) if theory)
    axes.axvline(first - 0.5, color="#cccccc", linewidth=0.6)
    axes.set_xticks(range(len(_GROUPS)), list(_GROUPS))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(_GROUPS) - 0.5)
    axes.set_ylabel(_LABEL)
    axes.set_title("Input embeddings: pairs of models and controls  |  models and theories", fontweight="bold")
    axes.grid(axis="y", color="#dddddd", linewidth=0.4)
    axes.set_axisbelow(True)
