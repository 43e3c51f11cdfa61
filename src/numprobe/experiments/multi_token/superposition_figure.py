"""Draw the accuracy of numbers that are planted together in one vector, against the noise."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.draw.frame import frame
from numprobe.draw.panels import fraction_axis, legend_entry, points
from numprobe.draw.rows import checked, require
from numprobe.draw.style import CONTROLS, PAGE_WIDTH, Style, series_styles
from numprobe.tables import MEASUREMENT

_METRICS = ("accuracy", "joint_accuracy", "product_accuracy")
_COLUMNS = (
    "control", "numbers", "place", "noise", "width", "metric", "value", "ci_low", "ci_high", "resampled", "n_values",
    "n_prompts",
)  # fmt: skip
_JOINT, _PRODUCT = Style("#000000", "o"), Style("#777777", "s", "--")


def superposition_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the accuracies that the figure shows."""
    rows = checked(table, [*MEASUREMENT, "numbers", "place", "noise", "width"]).filter(
        pl.col("metric").is_in(_METRICS) & ((pl.col("control") == "none") | (pl.col("metric") == "joint_accuracy"))
    )
    return require(rows, "metric joint_accuracy").select(_COLUMNS)


def draw_superposition(drawn: pl.DataFrame) -> Figure:
    """Draw a column per count of planted numbers; x = noise."""
    sizes = sorted(drawn["numbers"].unique())
    figure = Figure(figsize=(PAGE_WIDTH, 2.3), layout="constrained")
    grid = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
    single = series_styles([f"number {place + 1}" for place in range(max(sizes))])
    for size, axes in zip(sizes, grid, strict=True):
        _panel(axes, drawn.filter(numbers=size), single)
        axes.set_title(f"{size} number{'s' * (size > 1)} in one vector", fontweight="bold")
    entries = [legend_entry("all numbers", _JOINT), legend_entry("product of the single accuracies", _PRODUCT)]
    entries += [legend_entry(name, style) for name, style in single.items()]
    entries.append(legend_entry("shuffled, all numbers", CONTROLS["shuffled"]))
    return frame(
        figure, entries, 6, x="noise per component (one number's share of the state: 1)", y="accuracy on unseen values"
    )


def _panel(axes: Axes, rows: pl.DataFrame, single: dict[str, Style]) -> None:
    fraction_axis(axes)
    plain = pl.col("control") == "none"
    series = [
        *((style, plain & (pl.col("place") == place)) for place, style in enumerate(single.values())),
        (CONTROLS["shuffled"], ~plain),
        (_PRODUCT, plain & (pl.col("metric") == "product_accuracy")),
        (_JOINT, plain & (pl.col("metric") == "joint_accuracy")),
    ]
    noises = sorted(rows["noise"].unique())
    for style, condition in series:
        part = rows.filter(condition).sort("noise")
        x = [noises.index(noise) for noise in part["noise"]]
        points(axes, x, part, style)
        axes.plot(x, part["value"], color=style.colour, linestyle=style.line, linewidth=0.8)
    axes.set_xticks(range(len(noises)), [f"{noise:g}" for noise in noises])
