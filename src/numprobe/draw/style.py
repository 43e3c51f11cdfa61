"""Shared style of all figures: fonts, colours, the order of the states, and files that every run repeats."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numprobe.atomic import atomic_path
from numprobe.errors import NumprobeError

#: Width of a figure that fills a page, in inches.
PAGE_WIDTH = 7.0
#: Grey of everything that is not a measurement: grid, notes, chance.
NOTE_COLOUR = "#555555"

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.2,
    "hatch.linewidth": 0.4,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    # Without a fixed salt the identifiers in an SVG differ from run to run.
    "svg.hashsalt": "numprobe",
}


@dataclass(frozen=True)
class Style:
    """Appearance of one series: the same in all figures."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[float, ...]] = "-"


#: Colours of Okabe & Ito and of Tol, chosen to differ in lightness too; the markers differ as well.
PROBES: Mapping[str, Style] = {
    "fourier": Style("#0072B2", "o"),
    "sinusoidal": Style("#D55E00", "^"),
    "wave": Style("#009E73", "v"),
    "digits": Style("#E69F00", "s"),
    "binary": Style("#CC79A7", "D"),
    "linear": Style("#56B4E9", "x"),
    "log": Style("#882255", "+"),
    "circular": Style("#999933", "p"),
    "helix": Style("#332288", "h"),
    "mlp": Style("#000000", "*"),
}
CONTROLS: Mapping[str, Style] = {
    "shuffled": Style("#222222", "x", "--"),
    "gaussian": Style("#888888", "+", ":"),
    "untrained": Style("#555555", "D", "-."),
    "mixed": Style("#000000", "P", (0, (1, 1))),
    "constant": Style("#aaaaaa", "|", (0, (7, 2))),
    "last_token": Style("#8c510a", "1", (0, (3, 1.5))),
}
_OTHERS = (
    Style("#0072B2", "o"),
    Style("#D55E00", "^"),
    Style("#009E73", "s"),
    Style("#CC79A7", "D"),
    Style("#E69F00", "v"),
    Style("#332288", "h"),
    Style("#56B4E9", "p"),
    Style("#882255", "*"),
)
_LINES = ("-", "--", ":", "-.")

_LABELS = {"embedding": "emb", "final_norm": "norm", "unembedding": "unemb"}


def use_style() -> None:
    """Set matplotlib's defaults for all figures of this process."""
    matplotlib.use("Agg")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(_SETTINGS)


def series_styles(names: Sequence[str]) -> dict[str, Style]:
    """Styles of series that the user names (models, contexts): by position, colours first, then other dashes."""
    count = len(_OTHERS)
    return {
        name: Style(_OTHERS[i % count].colour, _OTHERS[i % count].marker, _LINES[i // count % len(_LINES)])
        for i, name in enumerate(names)
    }


def probe_order(names: Iterable[str]) -> list[str]:
    """The probes in the order of all legends; unknown ones last, by name."""
    known = list(PROBES)
    return sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name))


def probe_style(name: str) -> Style:
    """The style of a probe; one that is not listed is black with its own marker."""
    return PROBES.get(name, Style("#000000", "1"))


def layer_label(name: str) -> str:
    """The short name of a state on an axis: "emb", "0", ..., "norm", "unemb"."""
    return _LABELS.get(name, name)


def set_layer_axis(axes: Axes, layers: Sequence[str], most: int = 6) -> None:
    """Put the states of a model on the x axis (positions 0, 1, ...), with at most about `most` labels."""
    axes.set_xticks(*layer_ticks(layers, most))
    axes.set_xlim(-0.5, len(layers) - 0.5)


def layer_ticks(layers: Sequence[str], most: int = 6) -> tuple[list[int], list[str]]:
    """Positions and labels of at most about `most` of the states of a model."""
    step = next(step for step in (1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 1000) if len(layers) <= step * most)
    named = [i for i, name in enumerate(layers) if not name.isdecimal()]
    # A number whose label would touch that of a named state gives way.
    numbers = [
        i
        for i, name in enumerate(layers)
        if name.isdecimal() and int(name) % step == 0 and (step == 1 or all(abs(i - j) >= step for j in named))
    ]
    ticks = sorted([*numbers, *named])
    return ticks, [layer_label(layers[i]) for i in ticks]


def say(axes: Axes, text: str) -> None:
    """Empty a panel and write why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=NOTE_COLOUR, fontsize=6.5)
    axes.set_facecolor("#f3f3f3")
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.tick_params(which="both", left=False, labelleft=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def save_figure(
    figure: Figure, output: Path, formats: Sequence[str], drawn: pl.DataFrame, metadata: Mapping[str, Any]
) -> None:
    """Write `{output}.{format}` for each format and `{output}.csv` with the numbers drawn, each atomically.

    Parameters
    ----------
    figure
        The figure.
    output
        Path without ending.
    formats
        Any of "pdf", "png", "svg".
    drawn
        Exactly what the figure shows.
    metadata
        Provenance, stored as JSON in every image. No file holds a date: same input, same bytes.

    Raises
    ------
    NumprobeError
        If a format is not known.
    """
    for name in formats:
        if name not in _METADATA:
            raise NumprobeError(f"figure format {name!r} is not known: use {', '.join(_METADATA)}")
    provenance = json.dumps(metadata, sort_keys=True)
    _fix_layout(figure)
    for name in formats:
        with atomic_path(f"{output}.{name}") as temporary:
            figure.savefig(temporary, format=name, metadata=_METADATA[name](provenance))
    with atomic_path(f"{output}.csv") as temporary:
        drawn.write_csv(temporary)


def _fix_layout(figure: Figure) -> None:
    """Lay the figure out once and round all positions: the solver's last bits differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 5) for edge in axes.get_position(original=True).bounds)
        axes.set_position((left, bottom, width, height), which="original")
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(x, 5), round(y, 5)))


_METADATA: Mapping[str, Any] = {
    "pdf": lambda provenance: {"Keywords": provenance, "CreationDate": None},
    "png": lambda provenance: {"numprobe": provenance},
    "svg": lambda provenance: {"Description": provenance, "Date": None},
}
