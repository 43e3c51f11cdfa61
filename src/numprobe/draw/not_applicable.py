"""The figure of an experiment that applies to none of the models: it says so, and why."""

from collections.abc import Callable

import polars as pl
from matplotlib.figure import Figure

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.rows import checked, is_not_applicable
from numprobe.draw.style import PAGE_WIDTH, say
from numprobe.status import in_words

_COLUMNS = ("model", "context", "status", "note")


def not_applicable(tables: Tables, values: Values) -> Drawn:
    """Return the figure of an experiment that applies to none of the models, which states the reasons."""
    drawn = pl.concat([not_applicable_rows(table) for table in tables.values()]).unique(maintain_order=True)
    return draw_not_applicable(drawn), drawn


def not_applicable_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the reasons of a table that holds no measurement.

    Parameters
    ----------
    table
        A collected table with `model`, `context`, `status` and `note`.
    """
    rows = checked(table, _COLUMNS).filter(is_not_applicable())
    return rows.select(_COLUMNS).unique(maintain_order=True)


def draw_not_applicable(drawn: pl.DataFrame) -> Figure:
    """Draw an empty page with a line per model and context."""
    lines = [f"{model}, {context}: {in_words(*reason)}" for model, context, *reason in drawn.iter_rows()]
    figure = Figure(figsize=(PAGE_WIDTH, 0.7 + 0.16 * len(lines)), layout="constrained")
    say(figure.subplots(), "\n".join(lines))
    return figure


def drawn_or_reasons(
    table: pl.DataFrame, rows: Callable[[pl.DataFrame], pl.DataFrame], draw: Callable[[pl.DataFrame], Figure]
) -> tuple[Figure, pl.DataFrame]:
    """Draw a table; where every row of it says that it does not apply, the reasons.

    Parameters
    ----------
    table
        A collected table.
    rows, draw
        Choose what a figure shows, and draw it.

    Returns
    -------
    The figure, and what it shows.
    """
    if {"status", "value"} <= set(table.columns) and table.height and table.select(is_not_applicable().all()).item():
        drawn = not_applicable_rows(table)
        return draw_not_applicable(drawn), drawn
    drawn = rows(table)
    return draw(drawn), drawn
