"""Figure of the overlap of the models' strongest frequencies."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.pairs import pair_figure, pair_points
from numprobe.draw.rows import VOCABULARY, checked, is_not_applicable, require
from numprobe.draw.style import NOTE_COLOUR
from numprobe.tables import MEASUREMENT

EXTRA = ("other_model", "other_layer", "depth", "spectrum", "N", "p_value")
_COLUMNS = (
    "model", "other_model", "control", "context", "layer", "other_layer", "depth", "subset", "spectrum", "N", "value",
    "ci_low", "ci_high", "resampled", "p_value", "status", "note",
)  # fmt: skip
_GROUPS = {
    "numbers": ("none", "power", "#0072B2"),
    "published spectrum": ("none", "published", "#56B4E9"),
    "other words": ("matched", "power", "#D55E00"),
    "shuffled numbers": ("shuffled", "power", NOTE_COLOUR),
}


def shared_frequencies_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the overlaps that the figure shows."""
    rows = checked(table, [*MEASUREMENT, *EXTRA]).filter((pl.col("metric") == "iou") | is_not_applicable())
    return require(rows, "metric iou").select(_COLUMNS)


def draw_shared_frequencies(drawn: pl.DataFrame) -> Figure:
    """Draw two matrices of models, overlaps beside controls for every number of frequencies, and curves per model."""
    tops = sorted({int(name.removeprefix("top=")) for name in drawn["subset"] if name.startswith("top=")})
    top = tops[len(tops) // 2] if tops else 0
    chosen = drawn.filter(subset=f"top={top}", spectrum="power")
    plain = chosen.filter(control="none")
    matrices = {
        f"input embeddings, top {top}": plain.filter(layer="embedding"),
        f"bare number, middle layer, top {top}": _middle(plain),
    }
    curves = chosen.filter(pl.col("control") != "matched")
    names = "IoU", f"IoU of the top {top}"
    return pair_figure(drawn, curves, matrices, lambda axes: _controls(axes, drawn, tops), *names)


def _middle(plain: pl.DataFrame) -> pl.DataFrame:
    """Return, of each pair of models, the layers nearest to half of the depth."""
    inside = plain.filter(pl.col("context") != VOCABULARY, pl.col("depth").is_not_null())
    nearest = inside.sort((pl.col("depth") - 0.5).abs(), maintain_order=True)
    return nearest.unique(["model", "other_model"], keep="first")


def _controls(axes: Axes, drawn: pl.DataFrame, tops: list[int]) -> None:
    """Draw all pairs at the input embeddings, grouped by the number of frequencies compared."""
    rows = drawn.filter(pl.col("value").is_not_null(), layer="embedding")
    places = []
    for group, top in enumerate(tops):
        for place, (control, spectrum, colour) in enumerate(_GROUPS.values()):
            found = rows.filter(control=control, spectrum=spectrum, subset=f"top={top}")
            places.append(group * (len(_GROUPS) + 1) + place)
            pair_points(axes, places[-1], found, colour, spread=0.8)
    labels = [name.replace(" ", "\n", 1) for _ in tops for name in _GROUPS]
    axes.set_xticks(places, labels, fontsize=5.5)
    for group, top in enumerate(tops):
        middle = group * (len(_GROUPS) + 1) + (len(_GROUPS) - 1) / 2
        axes.text(middle, 1.08, f"top {top}", ha="center", fontsize=7, fontweight="bold")
    axes.set_ylim(-0.04, 1.2)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set_title("Input embeddings: pairs of models and controls", fontweight="bold")
