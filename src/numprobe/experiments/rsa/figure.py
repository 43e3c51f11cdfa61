"""Figure of the similarity of the number spaces: matrices of models, controls, and curves over the depth."""

from itertools import pairwise

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.pairs import pair_figure, pair_points
from numprobe.draw.rows import VOCABULARY, checked, is_not_applicable, over_all_folds, require
from numprobe.draw.style import NOTE_COLOUR
from numprobe.tables import MEASUREMENT

EXTRA = ("other_model", "other_layer", "theory", "dissimilarity", "depth", "p_value")
_COLUMNS = (
    "metric", "model", "other_model", "theory", "control", "context", "layer", "other_layer", "depth", "value",
    "ci_low", "ci_high", "resampled", "n_values", "p_value", "status", "note",
)  # fmt: skip
_PARTIAL = "partial_spearman"
#: Columns of points: label -> metric, control and theory of the rows.
_GROUPS = {
    "numbers": ("spearman", "none", None),
    "other\nwords": ("spearman", "matched", None),
    "un-\ntrained": ("spearman", "untrained", None),
    "Gaussian": ("spearman", "gaussian", None),
    "shuffled": ("spearman", "shuffled", None),
    "remains": (_PARTIAL, "none", None),
    "re-\nlabelled": (_PARTIAL, "relabelled", None),
    "un-\ntrained ": (_PARTIAL, "untrained", None),
    "edit\ndistance": ("spearman", "none", "edit distance"),
    "|a − b|": ("spearman", "none", "|a - b|"),
    "log\ndistance": ("spearman", "none", "log distance"),
}
_COLOURS = {"numbers": "#0072B2", "remains": "#009E73"}
_LABEL = "Spearman correlation"
_REMAINS = "Partial correlation"


def rsa(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = rsa_rows(tables["rsa"])
    return draw_rsa(drawn), drawn


def rsa_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows drawn: rank correlations of cosine dissimilarities, plain and partial, with all controls."""
    shown = pl.col("metric").is_in(["spearman", _PARTIAL]) & (pl.col("dissimilarity") == "cosine")
    rows = over_all_folds(checked(table, [*MEASUREMENT, *EXTRA]).filter(shown | is_not_applicable()))
    return require(rows, "Spearman correlations of cosine dissimilarities").select(_COLUMNS)


def draw_rsa(drawn: pl.DataFrame) -> Figure:
    """Draw two matrices of models, the pairs at the embeddings beside controls, and a panel of curves per model."""
    pairs = drawn.filter(pl.col("theory").is_null())
    matrices, below = (_matrices(pairs.filter(metric=metric, control="none")) for metric in ("spearman", _PARTIAL))
    curves = pairs.filter(metric=_PARTIAL)
    return pair_figure(
        pairs, curves, matrices, lambda axes: _controls(axes, drawn), _LABEL, _REMAINS, below, "relabelled"
    )


def _matrices(plain: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the measurements of each matrix, by its title."""
    middle = (pl.col("context") != VOCABULARY) & pl.col("p_value").is_not_null()
    return {
        "input embeddings\nbelow: what remains": plain.filter(layer="embedding", other_layer="embedding"),
        "bare number, middle layer\nbelow: what remains": plain.filter(middle),
    }


def _controls(axes: Axes, drawn: pl.DataFrame) -> None:
    """Draw every pair at the input embeddings as a point with its interval, in a column per control or theory."""
    rows = drawn.filter(pl.col("value").is_not_null(), layer="embedding")
    for place, (name, (metric, control, theory)) in enumerate(_GROUPS.items()):
        of_theory = pl.col("theory") == theory if theory else pl.col("other_layer") == "embedding"
        group = rows.filter(of_theory, metric=metric, control=control)
        pair_points(axes, place, group, "#D55E00" if theory else _COLOURS.get(name, NOTE_COLOUR))
        if group.is_empty():
            axes.text(place, 0.04, "none", ha="center", fontsize=5.5, color=NOTE_COLOUR)
    axes.axhline(0, color="black", linewidth=0.5)
    kinds = [(metric, theory is None) for metric, _, theory in _GROUPS.values()]
    for place, (before, after) in enumerate(pairwise(kinds)):
        if before != after:
            axes.axvline(place + 0.5, color="#cccccc", linewidth=0.6)
    axes.set_xticks(range(len(_GROUPS)), list(_GROUPS))
    axes.set_xlim(-0.5, len(_GROUPS) - 0.5)
    title = "Input embeddings: pairs of models  |  what remains without digits and distances  |  models and theories"
    axes.set_title(title, fontweight="bold", fontsize=7)
