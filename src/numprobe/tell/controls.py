"""Statements on controls."""

from collections.abc import Iterator, Sequence

import polars as pl

from numprobe.tell.section import Statement, cell_of

_HIGHEST = "The highest accuracy of the control `{comparison}` is {accuracy} (layer {layer} of {subject})."
_HIGHEST_LEVEL = "The highest accuracy of the control `{comparison}`, which has no layers, is {accuracy} ({subject})."


def highest_controls(accuracies: pl.DataFrame, controls: Sequence[str]) -> Iterator[Statement]:
    """Yield, for each of some controls that were measured, its highest accuracy and the place of it.

    Parameters
    ----------
    accuracies
        Rows of a table of measurements with a value.
    controls
        Names in the column `control`.
    """
    for control in controls:
        found = accuracies.filter(control=control).sort("value", descending=True, maintain_order=True)
        if found.height:
            row = found.row(0, named=True)
            level = row["layer"] is None
            numbers = {"accuracy": cell_of(row)} | ({} if level else {"layer": row["layer"]})
            wording = _HIGHEST_LEVEL if level else _HIGHEST
            yield Statement(f"{row['model']}, `{row['context']}`", control, numbers, wording)
