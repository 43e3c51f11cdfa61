"""Figure of the similarity of the number spaces: matrices of models, controls, and curves over the depth."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.pairs import pair_figure, pair_points
from numprobe.draw.rows import VOCABULARY, checked, is_not_applicable, nothing_to_draw, over_all_folds
from numprobe.draw.style import NOTE_COLOUR
from numprobe.experiments.drawn import Drawn, Tables, Values
from numprobe.tables import MEASUREMENT

EXTRA = ("other_model", "other_layer", "theory", "dissimilarity", "depth", "p_value")
_COLUMNS = (
    "model", "other_model", "theory", "control", "context", "layer", "other_layer", "depth", "value", "ci_low",
    "ci_high", "resampled", "n_values", "p_value", "status", "note",
)  # fmt: skip
#: Columns of points: label -> control and theory of the rows.
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
    """Draw two matrices of models, the pairs at the embeddings beside controls, and a panel of curves per model.

    Parameters
    ----------
    drawn
        What `rsa_rows` returned.
    """
    pairs = drawn.filter(pl.col("theory").is_null())
    plain = pairs.filter(pl.col("control") == "none")
    middle = (pl.col("context") != VOCABULARY) & pl.col("p_value").is_not_null()
    matrices = {
        "input embeddings": plain.filter(pl.col("layer") == "embedding", pl.col("other_layer") == "embedding"),
        "bare number, middle layer": plain.filter(middle),
    }
    return pair_figure(pairs, pairs, matrices, lambda axes: _controls(axes, drawn), _LABEL, _LABEL)


def _controls(axes: Axes, drawn: pl.DataFrame) -> None:
    """Draw every pair at the input embeddings as a point with its interval, in a column per control or theory."""
    rows = drawn.filter(pl.col("layer") == "embedding", pl.col("value").is_not_null())
    for place, (control, theory) in enumerate(_GROUPS.values()):
        of_theory = pl.col("theory") == theory if theory else pl.col("other_layer") == "embedding"
        group = rows.filter((pl.col("control") == control) & of_theory)
        colour = "#0072B2" if place == 0 else "#D55E00" if theory else NOTE_COLOUR
        pair_points(axes, place, group, colour)
        if group.is_empty():
            axes.text(place, 0.04, "none", ha="center", fontsize=5.5, color=NOTE_COLOUR)
    axes.axhline(0, color="black", linewidth=0.5)
    first = next(i for i, (_, theory) in enumerate(_GROUPS.values()) if theory)
    axes.axvline(first - 0.5, color="#cccccc", linewidth=0.6)
    axes.set_xticks(range(len(_GROUPS)), list(_GROUPS))
    axes.set_xlim(-0.5, len(_GROUPS) - 0.5)
    axes.set_title("Input embeddings: pairs of models and controls  |  models and theories", fontweight="bold")
