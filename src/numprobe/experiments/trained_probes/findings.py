"""Findings on probes that are trained by gradient descent, beside the leading closed-form probe."""

from collections.abc import Mapping

import polars as pl

from numprobe.tell.section import Section, spread_out

_NOTE = "Accuracy on unseen numbers; the leading closed-form probe reads the same states, on all folds."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `trained_probes`."""
    whole = (pl.col("subset") == "all") & pl.col("fold").is_null() & (pl.col("metric") == "accuracy")
    read = whole & pl.col("control").is_in(["none", "shuffled"]) & pl.col("layer").is_not_null()
    shuffled = pl.col("control") == "shuffled"
    reader = pl.when(shuffled).then(pl.col("probe") + " shuffled").otherwise("probe")
    rows = tables["trained_probes"].filter(read).with_columns(reader=reader)
    by_layer = spread_out(rows, ["model", "context", "reader"], "layer")
    return Section("Probes trained by gradient descent (`trained_probes`)", [_NOTE, by_layer])
