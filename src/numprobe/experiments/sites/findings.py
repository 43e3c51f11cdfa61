"""Inside the layer: where in the middle block of each model numbers can be read."""

from collections.abc import Mapping

import polars as pl

from numprobe.draw.published import published
from numprobe.layers import middle_layer
from numprobe.tell.markdown import cell, per_cent, pivot

#: Sites and their names on the page.
_SITES = {
    "residual_in": "residual in",
    "q": "q",
    "k": "k",
    "v": "v",
    "qkv": "q+k+v",
    "attention": "attention",
    "mlp": "MLP",
    "residual_out": "residual out",
}
_CONTROLS = ("shuffled", "untrained")

_HEADING = """## Inside the layer

Accuracy of the probe `{probe}` at the middle block of each model: residual stream before and after the block, queries,
keys and values before any norm or rotation, and what attention and MLP add to the stream.
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `sites`.

    Parameters
    ----------
    tables
        The collected tables; `sites` is read.
    """
    table = tables["sites"].filter(
        (pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null()
    )
    measured = table.filter(pl.col("value").is_not_null())
    probe = _leading(measured)
    parts = [_HEADING.format(probe=probe)]
    for context in measured["context"].unique(maintain_order=True):
        rows = measured.filter((pl.col("context") == context) & pl.col("site").is_in(list(_SITES)))
        middle = _middle(rows)
        parts += [f"Context `{context}`:\n", _at_sites(middle, probe), _highest_control(rows)]
        parts += [_sentences(middle.filter(_plain(probe))), _other_probes(middle, probe)]
    return "\n".join([*parts, *_comparison(measured, probe)])


def _leading(measured: pl.DataFrame) -> str:
    probes = measured.filter(pl.col("control") == "none")["probe"].unique(maintain_order=True).to_list()
    return "fourier" if "fourier" in probes else str(probes[0])


def _plain(probe: str) -> pl.Expr:
    return (pl.col("control") == "none") & (pl.col("probe") == probe)


def _middle(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the middle block of each model, which is fixed beforehand."""
    parts = rows.partition_by("model", maintain_order=True)
    return pl.concat([part.filter(pl.col("layer") == middle_layer(part["layer"])) for part in parts])


def _at_sites(middle: pl.DataFrame, probe: str) -> str:
    models, sites = middle["model"].unique(maintain_order=True).to_list(), list(_SITES)
    order = [pl.col("model").replace_strict(models, range(len(models))), pl.col("site").replace_strict(sites, range(8))]
    shown = middle.filter(_plain(probe)).sort(order)
    named = shown.with_columns(pl.col("site").replace_strict(_SITES), pl.col("layer").alias("block"))
    return pivot(named, ("model", "block"), "site")


def _highest_control(rows: pl.DataFrame) -> str:
    """Return the control that reads most, over all models, blocks, sites and probes, with its interval."""
    controls = rows.filter(pl.col("control").is_in(_CONTROLS) & (pl.col("probe") != "constant"))
    if controls.is_empty():
        return ""
    top = controls.sort("value", descending=True).row(0, named=True)
    where = f"{top['control']} `{top['probe']}`, {_SITES[top['site']]} of block {top['layer']} of {top['model']}"
    return f"Of all controls at all sites and blocks, the highest reads {cell(top)} ({where}).\n"


def _sentences(rows: pl.DataFrame) -> str:
    """Say what the results of the middle blocks mean, over the models."""
    at = {site: rows.filter(pl.col("site") == site) for site in _SITES}
    lines = []
    if at["residual_out"].height:
        lines.append(f"- The stream that leaves the block reads {_range(at['residual_out']['value'])} %.")
    if at["qkv"].height:
        single = pl.concat([at[site] for site in "qkv"]).group_by("model").agg(pl.col("value").max().alias("best"))
        gain = at["qkv"].join(single, on="model").select(pl.col("value") - pl.col("best"))["value"]
        lines.append(
            f"- Queries, keys and values together read {_range(at['qkv']['value'])} %; compared with the best of the "
            f"three alone that is {_points(gain.min())} to {_points(gain.max())} points."
        )
    pair = at["mlp"].join(at["attention"], on="model", suffix="_attention")
    if pair.height:
        ahead = pair.filter(pl.col("value") > pl.col("value_attention")).height
        lines.append(f"- What the MLP adds reads better than what attention adds in {ahead} of {pair.height} models.")
    return "\n".join([*lines, ""])


def _range(values: pl.Series) -> str:
    low, high = per_cent(values.min()), per_cent(values.max())
    return low if low == high else f"{low} to {high}"


def _points(gain: object) -> str:
    return f"{100 * float(str(gain)):+.0f}"


def _other_probes(middle: pl.DataFrame, probe: str) -> str:
    """Compare the other probes, where there are some."""
    others = middle.filter((pl.col("control") == "none") & ~pl.col("probe").is_in([probe, "constant"]))
    if others.is_empty():
        return ""
    best = others.group_by("probe", maintain_order=True).agg(pl.col("value").mean())
    own = middle.filter(_plain(probe))["value"].mean()
    rivals = ", ".join(f"`{name}` {per_cent(value)}" for name, value in best.iter_rows())
    return f"Mean over models and sites: `{probe}` {per_cent(own)}, {rivals}.\n"


def _comparison(measured: pl.DataFrame, probe: str) -> list[str]:
    """Return published accuracies beside ours, for models of the paper."""
    ours = measured.filter(_plain(probe))
    found = published("sites", ours["model"].unique(maintain_order=True).to_list())
    if found.is_empty():
        return []
    theirs = found.group_by("model", "metric", maintain_order=True).agg(pl.col("value").mean())
    lines = [
        f"- {model}, {metric.removeprefix('accuracy at ')}: {per_cent(value)}" for model, metric, value in theirs.rows()
    ]
    return ["Published means over blocks (arXiv 2510.26285, `sinusoidal`, 55 test values):\n", *lines, ""]
