"""Section on probes that read layers which they have never seen."""

from collections.abc import Mapping

import polars as pl

from numprobe.draw.published import read_published
from numprobe.layers import layer_order
from numprobe.tell.markdown import cell, per_cent, pivot

#: What the issue of one code in all layers is judged by: the share that the inner layers should reach.
_READ = 0.95
_LARGELY = 0.8
_OTHERS = pl.col("fit_layer") == "others"
_PLAIN = pl.col("control") == "none"
LIKENESS = ("scale_ratio", "mean_offset", "code_cosine")
_NOTE = """Every layer is read by one `fourier` probe that was fitted on all OTHER layers, on numbers that it has not
seen. Each layer is centred and scaled by its own training states, without labels; "as they are": one mean and one
scale of the layers of the fit for all, as in arXiv 2510.26285.
"""
_LOST = """Layers that lose more than 20 points against their own probe even on their own scale. `scale_ratio`: scale
over that of the other layers; `mean_offset`: distance of the means in units of that scale; `code_cosine`: cosine
between the number vectors of the layer and of the others (1: numbers differ in the same directions).
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section.

    Parameters
    ----------
    tables
        All collected tables of the study; `cross_layer` is read.

    Returns
    -------
    str
        Markdown.
    """
    table = tables["cross_layer"]
    accuracies = table.filter((pl.col("metric") == "accuracy") & pl.col("value").is_not_null())
    left_out = accuracies.filter(_OTHERS)
    parts = ["## One code in all layers? (`cross_layer`)\n", _NOTE]
    if left_out.is_empty():
        return "\n".join([*parts, "No layer could be left out: no model has two layers that vary.\n"])
    own_scale = left_out.filter(_PLAIN & (pl.col("normalisation") == "layer"))
    parts += [pivot(own_scale, index=("model", "context"), column="layer")]
    parts += ["With the states as they are:\n"]
    parts += [pivot(left_out.filter(_PLAIN & (pl.col("normalisation") == "none")), ("model", "context"), "layer")]
    parts += [_headline(own_scale), _controls(left_out), "", _repaired(left_out), "", _explained(table, accuracies)]
    return "\n".join(parts)


def _inner(layer: pl.Expr) -> pl.Expr:
    """Return the condition of inner layers: neither what enters the first block nor what leaves the final norm."""
    return (layer != "0") & (layer != "final_norm")


def _headline(own_scale: pl.DataFrame) -> str:
    """Say how many of the inner layers reach the mark, per context."""
    lines = []
    for part in own_scale.filter(_inner(pl.col("layer"))).partition_by("context", maintain_order=True):
        good, lowest = part.filter(pl.col("value") >= _READ), part.sort("value", maintain_order=True).row(0, named=True)
        lines.append(
            f"- `{part['context'][0]}`: {good.height} of {part.height} inner layers are read at {per_cent(_READ)} % or "
            f"more; the lowest is layer {lowest['layer']} of {lowest['model']}, {cell(lowest)}. {_verdict(part)}"
        )
    return "\n".join(lines)


def _verdict(inner: pl.DataFrame) -> str:
    """Return one sentence on the inner layers."""
    values = inner["value"].to_numpy()
    if values.min() >= _READ:
        return "The inner layers share one code, up to place and scale."
    if values.mean() >= _LARGELY:
        return f"On average {per_cent(values.mean())}: largely one code, which some layers turn."
    return f"On average {per_cent(values.mean())}: in part the layers write numbers in directions of their own."


def _controls(left_out: pl.DataFrame) -> str:
    highest = []
    for control in ("shuffled", "untrained", "constant"):
        part = left_out.filter(pl.col("control") == control).sort("value", descending=True, maintain_order=True)
        if part.height:
            row = part.row(0, named=True)
            where = f"layer {row['layer']} of {row['model']}, `{row['context']}`"
            highest.append(f"{control} {cell(row)} ({where})")
    return "- Highest control of all layers: " + "; ".join(highest) + "." if highest else ""


def _repaired(left_out: pl.DataFrame) -> str:
    """Say what the layer's own mean and scale change at the ends, where the paper's probes fail."""
    ends = left_out.filter(_PLAIN & ~_inner(pl.col("layer")))
    lines = []
    for part in ends.partition_by("context", "layer", maintain_order=True):
        means = {name: _mean(part, name) for name in ("none", "layer")}
        gain = means["layer"] - means["none"]
        verdict = "repairs it in part or whole" if gain > 0.2 else "costs some" if gain < -0.05 else "changes little"
        lines.append(
            f"- `{part['context'][0]}`, layer {part['layer'][0]}: on average over models {per_cent(means['none'])} as "
            f"the states are, {per_cent(means['layer'])} on the layer's own scale, which {verdict}."
        )
    return "\n".join([_published(), "", *lines])


def _published() -> str:
    """Return the range of the paper's own probes at the ends, as text."""
    rows = read_published().filter((pl.col("experiment") == "cross_layer") & (pl.col("probe") != "binary"))
    told = []
    for layer, name in (("0", "at layer 0"), ("final_norm", "after the final norm")):
        values = rows.filter(pl.col("layer") == layer)["value"].to_numpy()
        told.append(f"{per_cent(values.min())} to {per_cent(values.max())} % {name}")
    ends = " and ".join(told)
    return f"The sinusoidal and wave probes of arXiv 2510.26285 that were fitted on all other layers read {ends}."


def _mean(part: pl.DataFrame, normalisation: str) -> float:
    return float(part.filter(pl.col("normalisation") == normalisation)["value"].to_numpy().mean())


def _explained(table: pl.DataFrame, accuracies: pl.DataFrame) -> str:
    """Return the layers that only their own probe reads well, with their differences from the others."""
    key = ["model", "context", "layer"]
    own = accuracies.filter(_PLAIN & (pl.col("fit_layer") == pl.col("layer")) & (pl.col("normalisation") == "layer"))
    left_out = accuracies.filter(_PLAIN & _OTHERS & (pl.col("normalisation") == "layer"))
    lost = left_out.join(own.select(*key, pl.col("value").alias("own")), on=key, maintain_order="left")
    for metric in LIKENESS:
        facts = table.filter((pl.col("metric") == metric) & _PLAIN).select(*key, pl.col("value").alias(metric))
        lost = lost.join(facts, on=key, how="left", maintain_order="left")
    is_lost = pl.col("own") - pl.col("value") > 0.2
    kept, lost = lost.filter(~is_lost), lost.filter(is_lost)
    if lost.is_empty():
        return "No layer loses more than 20 points against its own probe."
    return "\n".join([_LOST, *_lost_lines(lost), "", _contrast(lost, kept)])


def _contrast(lost: pl.DataFrame, kept: pl.DataFrame) -> str:
    """Say whether directions tell the layers that fail from the others."""
    there, elsewhere = (part["code_cosine"].drop_nulls().to_numpy() for part in (lost, kept))
    if not len(there) or not len(elsewhere):
        return ""
    told = f"`code_cosine` is {there.mean():.2f} on average in these layers and {elsewhere.mean():.2f} in the others"
    if there.mean() < elsewhere.mean() - 0.05:
        return f"{told}: where the others fail, numbers differ in other directions, which no mean and scale can repair."
    return f"{told}: it does not tell them apart."


def _lost_lines(lost: pl.DataFrame) -> list[str]:
    lines = ["| model | context | layer | own probe | all others | " + " | ".join(LIKENESS) + " |", "|---" * 8 + "|"]
    order = layer_order(lost["layer"])
    ranked = lost.with_columns(place=pl.col("layer").replace_strict(order, list(range(len(order)))))
    for row in ranked.sort("model", "context", "place", maintain_order=True).iter_rows(named=True):
        facts = " | ".join(f"{row[name]:.2f}" for name in LIKENESS)
        names = f"{row['model']} | {row['context']} | {row['layer']}"
        lines.append(f"| {names} | {per_cent(row['own'])} | {cell(row)} | {facts} |")
    return lines
