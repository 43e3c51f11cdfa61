"""What a figure says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

#: Entries of a legend that a reader can hold in mind.
MOST_ENTRIES = 7


def texts(figure: Figure) -> list[str]:
    """All texts of a figure, line breaks as spaces; drawn first, so that ticks have their labels."""
    figure.canvas.draw()
    found = [artist.get_text().replace("\n", " ") for artist in figure.findobj(Text) if artist.get_visible()]
    return [text for text in found if text]


def legend(figure: Figure) -> list[str]:
    """The names in a figure's legends, then those in the legends of its panels."""
    return [name for names in _legends(figure) for name in names]


def _legends(figure: Figure) -> list[list[str]]:
    boxes = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [[text.get_text() for text in box.get_texts()] for box in boxes if box]


def faults(figure: Figure) -> list[str]:
    """Return what a reader could not read: texts outside the canvas, and legends of more than seven entries."""
    figure.set_dpi(200)
    figure.draw_without_rendering()
    page = figure.bbox.padded(1.5)
    found = []
    for artist in _drawn_texts(figure):
        edges = artist.get_window_extent()
        if not all(page.contains(*corner) for corner in edges.corners()):
            found.append(f"outside: {artist.get_text()!r}")
    for names in _legends(figure):
        if len(names) > MOST_ENTRIES:
            found.append(f"legend of {len(names)}: {', '.join(names)}")
    return found


def _drawn_texts(figure: Figure) -> Iterator[Text]:
    """Yield the texts that are drawn; labels of ticks beyond the ends of an axis and hidden axes are not."""
    hidden = {text for axes in figure.axes for text in _undrawn(axes)}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            yield text


def _undrawn(axes: Axes) -> Iterator[Text]:
    if not (axes.axison and axes.get_visible()):
        yield from (text for axis in (axes.xaxis, axes.yaxis) for text in axis.findobj(Text))
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@contextmanager
def faults_of_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list that, in the end, has the faults of all figures with panels that were made meanwhile."""
    made: list[Figure] = []
    original = Figure.__init__

    def remember(self: Figure, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        made.append(self)

    found: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(Figure, "__init__", remember)
        yield found
    found.extend(fault for figure in made if figure.axes for fault in faults(figure))
