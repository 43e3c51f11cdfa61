"""Error tracing: how many wrong answers hold the truth in some state, how many by chance, and which layers lose it."""

from collections.abc import Mapping, Sequence

import polars as pl

from numprobe.tell.markdown import asked_keys, cell, pivot
from numprobe.tell.markdown import table as markdown

#: With fewer wrong answers an operation is counted but not told.
FEWEST = 10

_HEADING = """## Where right answers get lost (`error_tracing`)

Share of the wrong answers whose true result is read in some state before the answer, by a probe (`fourier`) that never
saw this result; beside it the rate for the number equally far from the answer on the other side (`opposite`) and for
true results of other wrong prompts (`permuted`). `excess` is truth minus permuted in the same prompts. `right` is the
same share where the model answers rightly, `answer labels` that of a probe that was fitted on the model's answers.
Operations with fewer than {fewest} wrong answers are left out.
"""
_FATES = """What becomes of the truth in wrong answers: read at no layer, lost for good at some layer, or kept to the
last state; and what is read in its place in the last state where it is not kept (`answer`: the model's own answer, of
any kind).
"""
_LAYERS = """The layer that breaks the truth most often over all prompts, and what it corrects:
"""


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """The section of the experiment `error_tracing`.

    Parameters
    ----------
    tables
        The collected tables; `error_tracing` is read.
    """
    table = tables["error_tracing"].filter(
        pl.col("subset").str.starts_with("operation=") & pl.col("value").is_not_null()
    )
    rows = _enough(table.with_columns(operation=pl.col("subset").str.strip_prefix("operation=")))
    heading = _HEADING.format(fewest=FEWEST)
    if rows.is_empty():
        return f"{heading}\nNo model has as many wrong answers in any operation.\n"
    return "\n".join([heading, _traced(rows), _FATES, _fates(rows), _LAYERS, _breaking(rows), _meaning(rows)])


def _enough(table: pl.DataFrame) -> pl.DataFrame:
    """Models and operations with wrong answers enough."""
    wrong = table.filter(metric="traced", answered="wrong", target="truth", labels="truth")
    told = wrong.filter(pl.col("n_prompts") >= FEWEST).select("model", "context", "operation")
    return table.join(told, on=["model", "context", "operation"], how="semi", maintain_order="left")


def _traced(rows: pl.DataFrame) -> str:
    plain, wrong = rows.filter(labels="truth"), rows.filter(answered="wrong")
    traced = wrong.filter(metric="traced", labels="truth")
    own = traced.filter(target="truth")
    columns = {
        "wrong": _counts(own),
        "truth": own,
        "opposite": traced.filter(target="opposite"),
        "permuted": traced.filter(target="permuted"),
        "excess": wrong.filter(metric="excess_traced", labels="truth", target="permuted"),
        "right": plain.filter(metric="traced", answered="right", target="truth"),
        "answer labels": wrong.filter(metric="traced", labels="answer", target="truth"),
    }
    return _side_by_side(columns)


def _fates(rows: pl.DataFrame) -> str:
    wrong = rows.filter(labels="truth", answered="wrong")
    columns = {name: wrong.filter(metric=name, target="truth") for name in ("never", "lost", "kept")}
    columns["answer"] = wrong.filter(metric="answer_at_last")
    instead = wrong.filter(metric="instead_at_last")
    kinds = instead["kind"].unique(maintain_order=True)
    return _side_by_side(columns | {kind: instead.filter(kind=kind) for kind in kinds})


def _breaking(rows: pl.DataFrame) -> str:
    every = rows.filter(labels="truth", answered="all")
    keys = asked_keys(rows)
    heads = (*keys, "layer", "breaks", "corrects", "breaks if layers were independent")
    lines = []
    for part in every.partition_by("model", "context", "operation", maintain_order=True):
        worst = part.filter(metric="breaks", target="truth").sort("value", descending=True, maintain_order=True)
        layer = worst["layer"][0]
        at = part.filter(layer=layer)
        told = [
            cell(at.filter(metric=metric, target=target).row(0, named=True))
            for metric, target in (("breaks", "truth"), ("corrects", "truth"), ("breaks", "independent"))
        ]
        lines.append([*(part[key][0] for key in keys), layer, *told])
    return markdown(heads, lines)


def _meaning(rows: pl.DataFrame) -> str:
    """Say where states of wrong answers hold more truths than chance puts there, and what happens to them."""
    wrong = rows.filter(labels="truth", answered="wrong")
    keys = ["model", "context", "operation"]
    # Above both nulls, or the one that there is.
    excess = wrong.filter(metric="excess_traced").group_by(keys, maintain_order=True).agg(pl.col("ci_low").min())
    above = excess.filter(pl.col("ci_low") > 0)
    kept = wrong.filter(metric="kept", target="truth").rename({"value": "kept"})
    both = wrong.filter(metric="lost", target="truth").join(kept.select(*keys, "kept"), on=keys)
    lost = both.join(above.select(keys), on=keys, how="semi").filter(pl.col("value") > pl.col("kept")).height
    if above.is_empty():
        return "In no model and operation do the states of wrong answers hold the truth more often than chance.\n"
    return (
        f"In {above.height} of {excess.height} models and operations the states of wrong answers hold the truth more "
        f"often than either null; in {lost} of these more of it is lost on the way than is still there when the model "
        "answers, in the others less. "
        + ("A repair has to act before the layer that loses the truth." if 2 * lost > above.height else _READ_OUT)
        + "\n"
    )


_READ_OUT = "What a repair can work with is still in the last state: the loss is in what the model reads out of it."


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the number of prompts in the place of the share."""
    empty = pl.lit(None, dtype=pl.Float64).alias("value")
    return rows.with_columns(empty, note=pl.col("n_prompts").cast(pl.String))


def _side_by_side(columns: Mapping[str, pl.DataFrame]) -> str:
    parts: Sequence[pl.DataFrame] = [rows.with_columns(head=pl.lit(name)) for name, rows in columns.items()]
    joined = pl.concat(parts)
    models = {name: place for place, name in enumerate(joined["model"].unique(maintain_order=True))}
    ordered = joined.sort(pl.col("model").replace_strict(models), maintain_order=True)
    return pivot(ordered, asked_keys(joined), "head")
