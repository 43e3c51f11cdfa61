"""The series of the accuracy figures: every probe, and the controls of the leading one."""

from collections.abc import Sequence

import polars as pl

from numprobe.draw.rows import checked, is_not_applicable, over_all_folds, require
from numprobe.draw.style import CONTROLS, Style, probe_order, probe_style
from numprobe.probes.leading import choose_leading
from numprobe.tables import MEASUREMENT

#: Name -> how it is drawn, and the condition that picks its rows; in the order of the legend.
Series = dict[str, tuple[Style, pl.Expr]]


def measured_accuracies(table: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The rows of accuracies in the residual stream or without a value, and the name of the leading probe.

    Raises
    ------
    NumprobeError
        If the table is empty, lacks a column, or holds no accuracies.
    """
    wanted = ((pl.col("metric") == "accuracy") & (pl.col("site") == "residual")) | is_not_applicable()
    accuracies = over_all_folds(checked(table, list(MEASUREMENT)).filter(wanted))
    require(accuracies.filter(pl.col("value").is_not_null(), control="none"), "metric accuracy without a control")
    return accuracies, leading_probe(accuracies)


def leading_probe(accuracies: pl.DataFrame) -> str:
    """The probe whose controls and subsets are shown."""
    return choose_leading(_plain_probes(accuracies))


def series_of(accuracies: pl.DataFrame, controls: Sequence[str]) -> Series:
    """All probes that were measured, and those of `controls` that were, on all values."""
    whole, plain = pl.col("subset") == "all", pl.col("control") == "none"
    probes: Series = {
        name: (probe_style(name), whole & plain & (pl.col("probe") == name)) for name in _plain_probes(accuracies)
    }
    present = set(accuracies.select(kind_of_control())["control"])
    return probes | {n: (CONTROLS[n], whole & (kind_of_control() == n)) for n in controls if n in present}


def kind_of_control() -> pl.Expr:
    """Return the column `control`, in which all untrained controls of a model have one name."""
    return pl.col("control").str.replace(r"^untrained-[0-9]+$", "untrained")


def _plain_probes(accuracies: pl.DataFrame) -> list[str]:
    measured = accuracies.filter(pl.col("value").is_not_null(), control="none")
    return probe_order(measured["probe"].drop_nulls())
