"""Probes that are trained by gradient descent, beside the leading closed-form probe."""

from collections.abc import Mapping

import polars as pl

from numprobe.layers import layer_order
from numprobe.tell.markdown import pivot

_HEADING = """## Probes trained by gradient descent (`trained_probes`)

Accuracy on unseen numbers, in per cent; `fourier` is the closed form on the same states, on all folds.
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `trained_probes`.

    Parameters
    ----------
    tables
        The collected tables; `trained_probes` is read.
    """
    whole = (pl.col("subset") == "all") & pl.col("fold").is_null() & (pl.col("metric") == "accuracy")
    rows = tables["trained_probes"].filter(whole & pl.col("control").is_in(["none", "shuffled"]))
    shuffled = pl.col("control") == "shuffled"
    named = rows.with_columns(probe=pl.when(shuffled).then(pl.col("probe") + " shuffled").otherwise("probe"))
    order = {name: place for place, name in enumerate(layer_order(named["layer"].drop_nulls()))}
    ordered = named.sort(pl.col("layer").replace_strict(order, default=None), maintain_order=True)
    return "\n".join([_HEADING, pivot(ordered, index=("model", "context", "probe"), column="layer")])
