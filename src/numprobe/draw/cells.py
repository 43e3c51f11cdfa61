"""Matrices of shares as coloured cells."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from numprobe.draw.style import NOTE_COLOUR
from numprobe.percent import per_cent

#: Colours of the shares 0 to 1.
COLOURS = "cividis"


def draw_cells(axes: Axes, values: np.ndarray, texts: Mapping[tuple[int, int], str], size: float) -> None:
    """Draw shares as coloured cells with texts inside; cells without a share are grey.

    Parameters
    ----------
    axes
        The panel.
    values
        Shares from 0 to 1, NaN where there is none, float64 [rows, columns].
    texts
        (row, column) -> text of the cell.
    size
        Font size of the texts.
    """
    axes.set_facecolor("#e8e8e8")
    axes.imshow(np.ma.masked_invalid(values), cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest")
    for place, text in texts.items():
        colour = NOTE_COLOUR if np.isnan(values[place]) else "black" if values[place] > 0.5 else "white"
        axes.text(place[1], place[0], text, ha="center", va="center_baseline", fontsize=size, color=colour)
    for spine in axes.spines.values():
        spine.set_visible(False)


def add_scale(figure: Figure, panels: Any, label: str, **options: Any) -> Colorbar:
    """Add the scale of colours of some panels, in per cent; `options` are those of `Figure.colorbar`."""
    scale = ScalarMappable(Normalize(0, 1), COLOURS)
    return figure.colorbar(scale, ax=panels, label=label, format=PercentFormatter(1, symbol=" %"), **options)


def numbered(values: np.ndarray) -> dict[tuple[int, int], str]:
    """Return the shares as texts of their cells, in per cent without the sign; cells without a share have none."""
    return {place: per_cent(value) for place, value in np.ndenumerate(values) if not np.isnan(value)}
