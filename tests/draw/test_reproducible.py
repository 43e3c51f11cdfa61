"""Every figure is the same to the last bit when it is drawn again. SVG is the strictest: it prints coordinates."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from numprobe.draw.accuracy import accuracy_rows, draw_accuracy
from numprobe.draw.examples import draw_examples, examples_rows
from numprobe.draw.overview import draw_overview, overview_rows
from numprobe.draw.spectra import draw_spectra, spectra_rows
from numprobe.draw.style import save_figure
from numprobe.draw.summary import draw_summary, summary_rows
from numprobe.draw.transfer import draw_transfer, transfer_rows

from . import fake_tables

Draw = Callable[[], tuple[Figure, pl.DataFrame]]


def _accuracy(what: str) -> tuple[Figure, pl.DataFrame]:
    drawn = accuracy_rows(fake_tables.accuracy_table(), what)
    return draw_accuracy(drawn, what, 1000), drawn


def _transfer(blocks: int) -> tuple[Figure, pl.DataFrame]:
    drawn = transfer_rows(fake_tables.transfer_table(blocks))
    return draw_transfer(drawn), drawn


def _summary() -> tuple[Figure, pl.DataFrame]:
    drawn = summary_rows(fake_tables.accuracy_table())
    return draw_summary(drawn), drawn


def _overview() -> tuple[Figure, pl.DataFrame]:
    drawn = overview_rows(fake_tables.accuracy_table())
    return draw_overview(drawn), drawn


def _spectra() -> tuple[Figure, pl.DataFrame]:
    drawn = spectra_rows(fake_tables.spectra_table())
    return draw_spectra(drawn), drawn


def _examples() -> tuple[Figure, pl.DataFrame]:
    drawn = examples_rows(fake_tables.examples_table(20))
    return draw_examples(drawn), drawn


FIGURES: dict[str, Draw] = {
    "accuracy": lambda: _accuracy("probes"),
    "controls": lambda: _accuracy("controls"),
    "matrices": lambda: _transfer(4),
    "curves": lambda: _transfer(24),
    "summary": _summary,
    "overview": _overview,
    "spectra": _spectra,
    "examples": _examples,
}


@pytest.mark.parametrize("name", FIGURES)
def test_drawing_again_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    kept = []
    for run in ("first", "second"):
        figure, drawn = FIGURES[name]()
        save_figure(figure, tmp_path / run, ["svg"], drawn, {"code": "1"})
        kept.append((figure, np.empty(1237)))  # so that the next figure lies elsewhere in memory
    for ending in ("svg", "csv"):
        first, second = ((tmp_path / f"{run}.{ending}").read_bytes() for run in ("first", "second"))
        assert first == second


@pytest.mark.parametrize("name", FIGURES)
def test_the_csv_is_the_table_that_the_figure_was_drawn_from(name: str, tmp_path: Path) -> None:
    figure, drawn = FIGURES[name]()
    save_figure(figure, tmp_path / "a", [], drawn, {})
    assert pl.read_csv(tmp_path / "a.csv", schema=drawn.schema).equals(drawn)
