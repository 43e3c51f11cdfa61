"""Names of the axes, the legend and the faint lines around what a figure shows."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from numprobe.draw.style import NOTE_COLOUR

# Of a letter of an axis' name, and of what stands above and below it, in inches.
_LETTER, _MARGINS = 0.06, 0.1


def frame(figure: Figure, entries: Sequence[Artist], columns: int, x: str = "", y: str = "") -> Figure:
    """Put the legend above a figure, name the axes that all panels share, and return the figure.

    Parameters
    ----------
    figure
        The figure.
    entries
        Of the legend.
    columns
        Of the legend.
    x, y
        Names of the axes; none where the panels name their own.
    """
    figure.legend(handles=list(entries), loc="outside upper center", ncols=columns)
    if x:
        figure.supxlabel(x, fontsize=7)
    if y:
        # A figure of one row is lower than a long name.
        letters = int((figure.get_figheight() - _MARGINS) / _LETTER)
        figure.supylabel("\n".join(wrap(y, letters)), fontsize=7, multialignment="center")
    return figure


def legend_below(axes: Axes, entries: Sequence[Artist]) -> None:
    """Put the legend of a column of panels below the lowest of them."""
    axes.legend(handles=list(entries), loc="upper center", bbox_to_anchor=(0.5, -0.3), fontsize=6, ncols=1)


def in_per_cent(axis: Axis) -> None:
    """Write the shares on an axis in per cent."""
    axis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def faint_grid(axes: Axes, axis: Literal["x", "y"] = "y") -> None:
    """Draw faint lines across an axis, behind everything else."""
    axes.grid(axis=axis, color="#dddddd", linewidth=0.4)
    axes.set_axisbelow(True)


def remark(axes: Axes, text: str, height: float = 1.02) -> None:
    """Write small grey text above a panel, at a share of its height."""
    axes.text(0, height, text, transform=axes.transAxes, va="bottom", fontsize=5.5, color=NOTE_COLOUR)
